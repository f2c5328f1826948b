import { systemClock, systemRandom } from '@brume/ports/system'
import { openStore } from '@brume/store'
import { quiet, SELF } from '../../kernel/durable/fixture.ts'
import { createKernel } from '../../kernel/index.ts'
import { kinds } from './program.ts'

/** The actors of one process over the folder named first: they live until it is killed. */
const store = await openStore(process.argv[2] ?? '')
const kernel = createKernel({
  ...{ clock: systemClock(), random: systemRandom(), log: quiet, self: SELF, store: store.sub('actors/') },
  onFatal: () => process.exit(74)
})
const say = (message: object): void => void process.send?.(message)

await kernel.start()
for (const kind of kinds({ sink: 'sink', ear: 'ear', source: 'source' }, (id, k) => say({ mailed: [id, k] }))) {
  kernel.register(kind)
}
for (const path of ['source', 'mirror', 'sink', 'ear']) kernel.spawn(path, path, { durability: 'journal' })
kernel.spawn('relay', 'relay', { durability: 'memory' })

async function answer({ go, read }: { readonly go?: number; readonly read?: string }): Promise<void> {
  if (go !== undefined) {
    await kernel.submit('source', { type: 'go', k: go }, { key: new Uint8Array(16).fill(go + 1) })
    say({ acknowledged: go })
  }
  if (read !== undefined) say({ read, lists: (await kernel.snapshot(read)).context })
}

process.on('message', (message) => void answer(message as Parameters<typeof answer>[0]))
say({ isUp: true })
