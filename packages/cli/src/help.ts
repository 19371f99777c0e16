import { COMMANDS, type CommandFacts, type CommandName, OPTIONS, type OptionFacts } from './catalogue.js';
import { wrapped } from './format.js';
import { URL_FORMS } from './url.js';

const WIDTH = 80;
const OPTION_COLUMN = 22;

/** `sessile --help` */
export function overview(): string {
  const commands = Object.entries<CommandFacts>(COMMANDS).map(
    ([name, { synopsis, summary }]) => `  ${`${name} ${synopsis}`.padEnd(19)}${summary}`,
  );
  return `sessile: looks into a store of sessions, and moves it.

Usage: sessile COMMAND URL [options]

${commands.join('\n')}

  sessile COMMAND --help tells more. sessile --version

URLs
${indented(URL_FORMS)}

Never shown: passwords of URLs; session ids, unless --show-ids asks for them;
data, unless show asks for it.

${EXIT_CODES}
`;
}

const EXIT_CODES = `Exit codes
  0    done
  1    failed, or a part of it did: the error says what
  2    the command is wrong
  3    there is no such session
  130  interrupted (Ctrl-C); 143: ended by SIGTERM`;

/** `sessile copy --help` */
export function helpOf(name: CommandName): string {
  const { synopsis, summary, details, options, examples }: CommandFacts = COMMANDS[name];
  return `sessile ${name}: ${summary}

Usage: sessile ${name} ${synopsis} [options]

${paragraphs(details)}

Options
${options.map((option) => optionText(option, OPTIONS[option])).join('\n')}

Examples
${examples.map((example) => `  ${example}`).join('\n')}

URLs and exit codes: sessile --help
`;
}

function optionText(name: string, { value, text }: OptionFacts): string {
  const head = `--${name}${value === undefined ? '' : ` ${value}`}`;
  const lines = wrapped(text, WIDTH - OPTION_COLUMN - 2);
  return lines.map((line, at) => `  ${(at === 0 ? head : '').padEnd(OPTION_COLUMN)}${line}`).join('\n');
}

function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => wrapped(paragraph.replaceAll('\n', ' '), WIDTH).join('\n'))
    .join('\n\n');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
