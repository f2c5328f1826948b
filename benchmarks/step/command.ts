import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { assign, createActor, setup } from 'xstate'
import { type Comparison, compare, type Side } from '../harness/compare.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import { renderTable } from '../harness/table.ts'
import { Views } from './views.ts'

const MEMBERS = 16

/** quorum.md 16.2: vote events a second against events of a machine that only counts. */
const BAR = 2.5

const EVENTS_PER_RUN = 5_000

/** What a vote costs in the reducer, beside an event of an XState machine with one `assign`. */
export async function benchStep(options: {
  readonly seconds: number
  readonly out: string
  readonly json: string | undefined
  readonly say: (line: string) => void
}): Promise<Comparison> {
  const views = new Views(MEMBERS)
  const result = compare(
    { name: `step, n = ${MEMBERS}`, run: () => views.run() },
    counter(),
    BAR,
    options.seconds,
    Math.random
  )
  const rows = result.sides.map(({ name, p10, median, p99 }) => [name, p10, median, p99])
  options.say(renderTable(['events per CPU second', 'p10', 'median', 'p99'], rows))
  const [low, high] = result.ratioInterval
  options.say(`ratio ${result.ratio.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}], bar ${BAR}`)
  options.say(`verdict: ${result.verdict}`)
  const file = resolve(options.json ?? join(options.out, 'step.json'))
  await mkdir(dirname(file), { recursive: true })
  const about = { machine: describeMachine(), commit: describeCommit(), at: new Date().toISOString(), bar: BAR }
  await writeFile(file, `${JSON.stringify({ ...about, ...result }, null, 2)}\n`)
  return result
}

function counter(): Side {
  const machine = setup({
    types: {
      context: {} as { readonly votes: number },
      events: {} as { readonly type: 'vote'; readonly weight: number }
    }
  }).createMachine({
    context: { votes: 0 },
    on: { vote: { actions: assign({ votes: ({ context, event }) => context.votes + event.weight }) } }
  })
  const actor = createActor(machine).start()
  const event = { type: 'vote', weight: 1 } as const
  return {
    name: 'XState assign',
    run: () => {
      for (let i = 0; i < EVENTS_PER_RUN; i++) actor.send(event)
      return EVENTS_PER_RUN
    }
  }
}
