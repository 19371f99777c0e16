import { linkTo } from '../failure.js';
import type { Report, Result, Status } from '../types.js';
import { STYLE } from './html-style.js';
import { clean, type Group, groupsOf, having, listOf, plural, reasonsOf, type Reports, seconds, STATUSES, verdictOf } from './text.js';

/** The report as one page that needs nothing else: no script, no font, no picture. */
export function htmlReport(reports: Reports): string {
  const list = listOf(reports);
  const together = list.length > 1 ? sideBySide(list) : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${html(titleOf(list))}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${together}${list.map((report, i) => section(report, i)).join('\n')}
</main>
</body>
</html>
`;
}

function titleOf(list: readonly Report[]): string {
  const [only, ...more] = list;
  return only && more.length === 0 ? `${only.target}: ${verdictOf(only)}` : `Conformance of ${plural(list.length, 'store')}`;
}

function sideBySide(list: readonly Report[]): string {
  const present = STATUSES.filter(({ status }) => list.some(({ counts }) => counts[status] > 0));
  const rows = list.map((report, i) => {
    const cells = present.map(({ status }) => `<td class="count ${status}">${report.counts[status] || ''}</td>`).join('');
    return `<tr><th scope="row"><a href="#target-${i}">${html(report.target)}</a></th>${cells}</tr>`;
  });
  const heads = present.map(({ title }) => `<th scope="col" class="count">${title}</th>`).join('');
  return `<h1>Conformance of ${plural(list.length, 'store')}</h1>
<div class="card together"><div class="scroll" tabindex="0" role="region" aria-label="Side by side"><table>
<thead><tr><th scope="col">store</th>${heads}</tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table></div></div>
`;
}

function section(report: Report, i: number): string {
  const { target, ok, results } = report;
  return `<section class="target" id="target-${i}" aria-labelledby="name-${i}">
<h1 id="name-${i}">${html(target)}</h1>
<p class="verdict ${ok ? 'pass' : 'fail'}">${ok ? '✓' : '✗'} ${html(verdictOf(report))}</p>
${bar(report)}
${facts(report)}
${failures(having(results, 'fail'), i)}
${exceptions(results)}
${notRun(report)}
<h2>All checks</h2>
${groupsOf(results).map(groupCard).join('\n')}
</section>`;
}

/** The lengths are also said in words, below it. */
function bar({ counts }: Report): string {
  const present = STATUSES.filter(({ status }) => counts[status] > 0);
  const parts = present.map(({ status }) => `<span class="bg-${status}" style="flex: ${counts[status]}"></span>`);
  const words = present.map(({ status, title }) => `<li><i class="bg-${status}"></i><b>${counts[status]}</b> ${title}</li>`);
  return `<div class="bar" aria-hidden="true">${parts.join('')}</div>\n<ul class="legend">${words.join('')}</ul>`;
}

function facts({ kit, contract, node, date, durationMs, seed }: Report): string {
  const day = `${date.slice(0, 16).replace('T', ' ')} UTC`;
  const told = { contract, kit, Node: node, date: day, took: seconds(durationMs), seed: String(seed) };
  return `<ul class="facts">${Object.entries(told)
    .map(([name, value]) => `<li>${name} <b>${html(value)}</b></li>`)
    .join('')}</ul>`;
}

function failures(failed: readonly Result[], target: number): string {
  return failed.length === 0 ? '' : `<h2>Failures</h2>\n${failed.map((result) => failureCard(result, target)).join('\n')}`;
}

function failureCard({ id, level, title, failure }: Result, target: number): string {
  if (!failure) return '';
  const { step, expected, got, why, mend, link, again } = failure;
  return `<details class="card failure" open id="${html(`${id}-${target}`)}">
<summary><span class="id fail">${html(id)}</span> <b>${html(title)}</b> <span class="level">${level}</span></summary>
<div><dl>
<dt>Step</dt><dd>${html(step)}</dd>
<dt>Expected</dt><dd><pre>${html(expected)}</pre></dd>
<dt>Got</dt><dd><pre>${html(got)}</pre></dd>
<dt>Why</dt><dd>${html(why)}</dd>
<dt>Mend</dt><dd>${html(mend)}</dd>
<dt>Contract</dt><dd><a href="${html(link)}">${html(link)}</a></dd>
<dt>Again</dt><dd><code>${html(again)}</code></dd>
</dl></div>
</details>`;
}

/** Those that the target speaks of. */
function exceptions(results: readonly Result[]): string {
  const part = (status: Status, heading: string): string => {
    const members = having(results, status);
    return members.length === 0 ? '' : `<h2>${heading}</h2>\n<div class="card"><div>${checkList(members)}</div></div>`;
  };
  return part('stale', 'Stale: known to fail, but they pass') + part('known', 'Known to fail');
}

function notRun({ results, counts }: Report): string {
  if (counts.skip === 0) return '';
  const rows = reasonsOf(results).map(([reason, ids]) => `<dt>${html(reason)}</dt><dd>${ids.map(idLink).join(', ')}</dd>`);
  return `<h2>Not run</h2>
<details class="card"><summary>${plural(counts.skip, 'check')} could not be asked of this store</summary>
<div><dl class="reasons">${rows.join('\n')}</dl></div></details>`;
}

function groupCard({ name, title, results }: Group): string {
  const present = STATUSES.filter(({ status }) => having(results, status).length > 0);
  const counts = present.map((one) => `<span class="${one.status}">${having(results, one.status).length} ${one.title}</span>`).join('');
  return `<details class="card group"><summary><span class="id">${html(name)}</span> ${html(title)} <span class="counts">${counts}</span></summary>
<div>${checkList(results)}</div></details>`;
}

function checkList(results: readonly Result[]): string {
  return `<ul class="checks">${results.map(checkItem).join('\n')}</ul>`;
}

function checkItem({ id, title, status, reason }: Result): string {
  const { mark, title: word } = STATUSES.find((one) => one.status === status) ?? { mark: '', title: status };
  const more = reason === undefined ? '' : `<small>${word}: ${html(reason)}</small>`;
  return `<li><span class="${status}" role="img" aria-label="${word}">${mark}</span><span class="id">${idLink(id)}</span><span>${html(title)}${more}</span></li>`;
}

function idLink(id: string): string {
  return `<a class="id" href="${html(linkTo(id))}">${html(id)}</a>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Whatever a store or a target said, as text. */
function html(text: string): string {
  return clean(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
