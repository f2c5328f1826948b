import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const LIMIT_MS = 60_000

/** In one program, for what a process takes to start is most of it. */
const PROGRAM = `
  import { systemClock } from '@brume/ports/system'
  import { bundleLogic, checkLogic, WorkerExecutor } from '@brume/runtime/replica'
  const [dated, wild] = process.argv.slice(1).map((url) => new URL(url))
  const checked = await checkLogic(dated, { clock: systemClock() }).catch(({ code }) => ({ code }))
  const assignment = { address: 'brume://group/x/wild#1', input: null, legacy: null, admins: [] }
  const executor = new WorkerExecutor(await bundleLogic(wild), assignment, systemClock())
  const block = { height: 1, timeMs: 0, seed: new Uint8Array(32), commands: [] }
  const executed = await executor.execute(null, block).then(({ outcomes }) => outcomes, ({ code }) => ({ code }))
  await executor.stop()
  console.log(JSON.stringify([checked.code, executed]))
`

test(
  'a program given on the command line has its machines checked and executed in threads as others have',
  async () => {
    const dated = new URL('./fixtures/dated.machine.ts', import.meta.url).href
    const wild = new URL('./fixtures/wild.machine.ts', import.meta.url).href
    const args = ['--input-type=module', '--eval', PROGRAM, dated, wild]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: import.meta.dirname,
      timeout: LIMIT_MS
    })
    expect(JSON.parse(stdout)).toEqual(['BRUME_RUNTIME_NONDETERMINISTIC', []])
  },
  LIMIT_MS
)
