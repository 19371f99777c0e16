/** Outages that a store of files can have, the same for every such store. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * A file stands where the folder was: every access fails with ENOTDIR. That is no "missing file", which could be taken for
 * a missing session.
 *
 * @param {string} folder
 * @returns {() => void} what repairs it.
 */
export function hideFolder(folder) {
  const away = `${folder}.away`;
  renameSync(folder, away);
  writeFileSync(folder, '');
  return () => {
    rmSync(folder);
    renameSync(away, folder);
  };
}

/**
 * The table has another name: no statement finds it.
 *
 * @param {(sql: string) => unknown} exec runs a statement on a connection of its own.
 * @param {string} table
 * @returns {() => void} what repairs it.
 */
export function hideTable(exec, table) {
  exec(`ALTER TABLE ${table} RENAME TO away`);
  return () => void exec(`ALTER TABLE away RENAME TO ${table}`);
}
