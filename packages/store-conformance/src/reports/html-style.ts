/** The look of the HTML report: light and dark, from a phone to paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --code: #f1f3f5; --link: #0550ae;
  --fail: #c1121f; --stale: #8a5a00; --known: #8a5a00; --skip: #57606a; --pass: #1a7f37;
  --fail-bar: #d1242f; --stale-bar: #d4a72c; --known-bar: #d4a72c; --skip-bar: #afb8c1; --pass-bar: #2da44e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c23; --ink: #e6e9ed; --soft: #9aa4af; --line: #2e353e; --code: #0f1318; --link: #79b8ff;
    --fail: #ff8182; --stale: #e3b341; --known: #e3b341; --skip: #9aa4af; --pass: #56d364;
    --fail-bar: #e5534b; --stale-bar: #c69026; --known-bar: #c69026; --skip-bar: #545d68; --pass-bar: #347d39;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
a { color: var(--link); }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
th[scope=row] { min-width: 8rem; }
.card.together { margin: .75rem 0 2.5rem; }
section.target + section.target { margin-top: 3rem; padding-top: 2rem; border-top: 2px solid var(--line); }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 0 0 1rem; }
.facts { color: var(--soft); font-size: .875rem; display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.facts b { font-weight: 600; color: var(--ink); }
.bar { display: flex; height: .75rem; border-radius: .375rem; overflow: hidden; gap: 2px; }
.bar span { min-width: 3px; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .75rem 0 0; }
.legend i { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .4rem; }
.legend b { font-variant-numeric: tabular-nums; }
.fail { color: var(--fail); } .stale { color: var(--stale); } .known { color: var(--known); } .skip { color: var(--skip); } .pass { color: var(--pass); }
.bg-fail { background: var(--fail-bar); } .bg-stale { background: var(--stale-bar); } .bg-known { background: var(--known-bar); }
.bg-skip { background: var(--skip-bar); } .bg-pass { background: var(--pass-bar); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 .75rem; }
.card > summary, .card > div { padding: .75rem 1rem; }
.card.failure { border-left: 4px solid var(--fail-bar); }
summary { cursor: pointer; list-style-position: outside; }
summary::marker { color: var(--soft); }
details.card > summary { margin-left: 1.75rem; padding-left: 0; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: .25rem; }
summary b { font-weight: 600; }
.id { font: 600 .875rem ui-monospace, monospace; white-space: nowrap; }
.level { color: var(--soft); font-size: .75rem; border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; white-space: nowrap; }
.card.failure > div { border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: .5rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; } dt:has(+ dd > pre) { padding-top: .45rem; }
dl.reasons { grid-template-columns: 13rem minmax(0, 1fr); }
pre, code { font: .8125rem/1.5 ui-monospace, monospace; background: var(--code); border-radius: .25rem; }
pre { margin: 0; padding: .5rem .75rem; white-space: pre-wrap; }
code { padding: .1rem .35rem; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .5rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { border-top: 0; color: var(--soft); font-size: .875rem; }
.count { text-align: right; width: 1%; white-space: nowrap; padding-left: .5rem; }
.counts { float: right; display: inline-flex; gap: .75rem; font-size: .875rem; padding-left: .5rem; }
ul.checks { list-style: none; margin: 0; padding: 0; }
ul.checks li { display: grid; grid-template-columns: 1.25rem 5rem minmax(0, 1fr); gap: 0 .5rem; align-items: baseline; padding: .35rem 0; border-top: 1px solid var(--line); }
ul.checks li:first-child { border-top: 0; }
ul.checks small { display: block; color: var(--soft); }
.scroll { overflow-x: auto; }
@media (max-width: 34rem) {
  dl, dl.reasons { grid-template-columns: minmax(0, 1fr); gap: .1rem; } dd { margin-bottom: .5rem; } dt:has(+ dd > pre) { padding: 0; }
  dt { font-size: .875rem; }
  .counts { float: none; display: flex; padding: 0; }
  ul.checks li { grid-template-columns: 1.25rem minmax(0, 1fr); } ul.checks li > :last-child { grid-column: 2; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --code: #f4f4f4; --link: #000;
    --fail: #a00; --stale: #740; --known: #740; --skip: #444; --pass: #060; }
  main { max-width: none; padding: 0; }
  body { font-size: 10pt; }
  .card { break-inside: avoid; } .card.group { break-inside: auto; } li, dl > * { break-inside: avoid; }
  * { print-color-adjust: exact; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
