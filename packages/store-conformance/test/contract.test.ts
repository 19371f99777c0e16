import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checks } from '@sessile/store-conformance';

const page = readFileSync(new URL('../../../docs/contract.md', import.meta.url), 'utf8');

interface Rule {
  readonly id: string;
  readonly level: string;
  readonly since: string;
  readonly checkedBy: string;
}

function rules(): Rule[] {
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, id = '', level = '', since = '', checkedBy = ''] =
        /^([A-Z]+-\d+)\n\n\*\*[^]+?\n(MUST|SHOULD|MAY) · since (\d+\.\d+) · (kit|core|store)\nWhy: /.exec(section) ?? [];
      expect(id, `the form of the rule ${section.slice(0, 60)}`).not.toBe('');
      return { id, level, since, checkedBy };
    });
}

const ruleOf = (id: string): string => id.replace(/\..*$/, '');

describe('docs/contract.md and the checks', () => {
  it('give each rule one heading', () => {
    const ids = rules().map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('number the rules of a group without gaps', () => {
    const groups = grouped();
    for (const [group, members] of groups) expect(members.map(({ id }) => id)).toEqual(members.map((_, i) => `${group}-${i + 1}`));
  });

  it('give each check an id of its own, and a rule on the page', () => {
    const ids = checks.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    const known = new Set(rules().map(({ id }) => id));
    expect(ids.filter((id) => !known.has(ruleOf(id)))).toEqual([]);
  });

  it('agree on the level and the version of each rule', () => {
    const known = new Map(rules().map((rule) => [rule.id, rule]));
    for (const { id, since, level } of checks.filter(({ id }) => !id.includes('.'))) {
      expect([id, level, since]).toEqual([id, known.get(id)?.level, known.get(id)?.since]);
    }
  });

  it('have a check for each rule that the kit checks, and none for the others', () => {
    const checked = new Set(checks.map(({ id }) => ruleOf(id)));
    const wrong = rules().filter(({ id, checkedBy }) => checked.has(id) !== (checkedBy === 'kit'));
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('say for each check what to do', () => {
    for (const { id, title, why, mend } of checks) {
      expect([id, title.length > 10, why.endsWith('.'), mend.endsWith('.')]).toEqual([id, true, true, true]);
    }
  });
});

function grouped(): Map<string | undefined, Rule[]> {
  const groups = new Map<string | undefined, Rule[]>();
  for (const rule of rules()) {
    const group = rule.id.split('-')[0];
    groups.set(group, [...(groups.get(group) ?? []), rule]);
  }
  return groups;
}
