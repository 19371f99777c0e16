import { describe, it } from 'vitest';
import { defineConformance, type Target } from '@sessile/store-conformance';
import { backend } from '@sessile/testkit';
import targets from './fixtures/conformance-targets.js';

const DRIVER = { only: ['DRV'] };

/** Asks the kit about some of the targets. One test file cannot ask about all: files run side by side. */
export async function judge(title: string, needs: 'redis' | 'redis-cluster', isMeant: (target: Target) => boolean): Promise<void> {
  const server = await backend(needs);
  const meant = server.skip === undefined ? ((await targets()) as Target[]).filter(isMeant) : [];
  describe.skipIf(server.skip !== undefined)(`${title} (${server.skip ?? server.from})`, () => {
    for (const target of meant) defineConformance({ describe, it }, target, target.kind === 'driver' ? DRIVER : {});
    it('there is something to judge', ({ expect }) => expect(meant).not.toEqual([]));
  });
}
