import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '@brume/ports/system'
import { afterAll, describe, expect, test } from 'vitest'
import { bundleLogic, checkLogic, ReplicaError, type Samples } from './replica/index.ts'

/** Where modules find the packages of this workspace, and nothing else of it. */
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'brume-machines-'))
  symlinkSync(resolve(import.meta.dirname, '../../node_modules'), join(made, 'node_modules'))
  return made
}

const folders = [folder(), folder()] as const
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true })
})

let written = 0
function moduleOf(source: string, at: string = folders[0], name = `machine-${++written}`): URL {
  const file = join(at, `${name}.ts`)
  writeFileSync(file, source)
  return pathToFileURL(file)
}

const HEAD = `
import { assign, createMachine, emit, enqueueActions, fromPromise, raise, sendTo, setup } from 'xstate'
import { now, remote, reply, rng } from '@brume/runtime/logic'
import { sin } from '@brume/runtime/math'
`
/** One event `go` that sets `context.x` to what an expression of `context` and `event` gives. */
const sets = (expression: string, context = '{ x: 0 }', before = ''): string => `${HEAD}${before}
export default createMachine({ context: ${context}, on: { go: {
  actions: assign({ x: ({ context, event }: any): any => ${expression} }) } } })`
const machine = (config: string): string => `${HEAD}export default createMachine(${config} as any)`

const clock = systemClock()
const SAMPLES: Samples = { go: [{ by: 1 }, { by: 2 }] }
const findingOf = async (source: string) => {
  const error: unknown = await checkLogic(moduleOf(source), { clock, samples: SAMPLES }).catch(
    (caught: unknown) => caught
  )
  return error instanceof ReplicaError ? error : null
}

const FAULTS: readonly (readonly [name: string, cause: string, source: string])[] = [
  ['the time of the machine', 'ambient', sets('Date.now()')],
  ['a new date', 'ambient', sets('+new Date()')],
  ['dice', 'ambient', sets('Math.floor(Math.random() * 9)')],
  ["an engine's own sine", 'ambient', sets('Math.floor(Math.sin(event.by) * 100)')],
  ['a power by approximation', 'ambient', sets('Math.floor(2.5 ** event.by)')],
  ['a timer of Node', 'ambient', sets('(setTimeout(() => {}, 1), 1)')],
  ['code from text', 'ambient', sets("new Function('return 1')()")],
  ['a counter in a closure', 'restored', sets('(calls += 1)', '{ x: 0 }', 'let calls = 0')],
  ['a counter in the global object', 'restored', sets('(globalThis as any).n = ((globalThis as any).n ?? 0) + 1')],
  [
    'a cache that outlives the state',
    'restored',
    sets('seen.has(context.y) ? 1 : (seen.add(context.y), 2)', '{ x: 0, y: {} }', 'const seen = new WeakSet()')
  ],
  ['a changed context', 'mutation', sets('(context.list.push(1), 1)', '{ x: 0, list: [] as number[] }')],
  ['a changed event', 'mutation', sets('(event.by += 1, event.by)')],
  ['a Map in the context', 'plain', sets('new Map()')],
  ['a fraction in the context', 'integer', sets('event.by / 3')],
  [
    'an endless always',
    'iterations',
    machine(`{ initial: 'a', states: { a: { on: { go: 'b' } }, b: { always: 'c' }, c: { always: 'b' } } }`)
  ],
  ['an order by language', 'ambient', sets("['b', 'a'].sort((a, b) => a.localeCompare(b)).length")],
  [
    'the order of keys',
    'restored',
    sets("Object.keys(context.map)[0] === 'long' ? 1 : 2", '{ x: 0, map: { long: 1, a: 2 } }')
  ],
  [
    'an invoked promise',
    'effect',
    machine(`{ initial: 'a', states: { a: { on: { go: 'b' } }, b: { invoke: { src: fromPromise(async () => 1) } } } }`)
  ],
  ['a custom action', 'effect', machine('{ on: { go: { actions: () => { console.log(1) } } } }')],
  [
    'a spawn without an id',
    'effect',
    machine(
      `{ context: {}, on: { go: { actions: assign(({ spawn }: any) => ({ child: spawn(fromPromise(async () => 1)) })) } } }`
    )
  ],
  ['a state that grows and grows', 'size', sets("context.x + 'x'.repeat(60000)", "{ x: '' }")],
  [
    'too many sends',
    'sends',
    machine(
      `{ on: { go: { actions: Array.from({ length: 17 }, () => sendTo(() => remote('brume://x/y'), { type: 'a' })) } } }`
    )
  ],
  [
    'a recursion without end',
    'exhausted',
    sets('deep(1)', '{ x: 0 }', 'const deep = (n: number): number => deep(n + 1) + 1')
  ]
]

describe('the check of a machine', { timeout: 300_000 }, () => {
  test.each(FAULTS)('finds %s', async (_, cause, source) => {
    const error = await findingOf(source)
    expect(error).toMatchObject({ code: 'BRUME_RUNTIME_NONDETERMINISTIC', finding: { cause } })
  })

  test('says in which state, at which event and where', async () => {
    const error = await findingOf(
      machine(`{ initial: 'a', context: { x: 0 }, states: { a: { on: { go: 'b' } },
      b: { on: { go: { actions: assign({ x: () => ({ deep: [0.5] }) }) } } } } }`)
    )
    expect(error?.finding).toMatchObject({ cause: 'integer', state: '"b"', event: 'go', path: 'x.deep.0' })
  })

  test('passes a machine that keeps to the rules, with timers, raised events, parallel states and history', async () => {
    const checked = await checkLogic(
      moduleOf(`${HEAD}
      export const selectors = { twice: (context: any) => context.n * 2, times: (context: any, by: any) => context.n * by }
      export default setup({ types: {} as any }).createMachine({
        type: 'parallel', context: ({ input }: any) => ({ n: 0, log: [], bytes: new Uint8Array(3), start: input.start }),
        states: {
          counts: { on: { go: { actions: [
            assign({ n: ({ context, event }: any) => context.n + event.by + rng(event).below(6) + Math.floor(sin(context.n) * 10),
              log: ({ context, event }: any) => [...context.log, now(event)].slice(-5) }),
            reply(({ context }: any) => context.n), raise({ type: 'inner' }),
            sendTo(() => remote('brume://x/y'), { type: 'told', by: 2 ** 10 }) ] } } },
          waits: { initial: 'idle', states: { idle: { on: { inner: 'busy' } },
            busy: { after: { 300: 'idle' }, on: { stop: 'gone' } }, gone: { on: { go: 'back' } }, back: { type: 'history' } } }
        } })`),
      { clock, samples: SAMPLES, input: { start: 5 } }
    )
    expect(checked).toMatchObject({ events: ['go', 'inner', 'stop'], selectors: ['twice'], queries: ['times'] })
  })

  test('names the file that imports Node, and what is no machine', async () => {
    const source = `import { readFileSync } from 'node:fs'\nexport default readFileSync`
    const url = moduleOf(source)
    await expect(checkLogic(url, { clock })).rejects.toMatchObject({
      code: 'BRUME_RUNTIME_BUNDLE',
      message: expect.stringContaining(`machine-${written}.ts imports node:fs`)
    })
    await expect(checkLogic(moduleOf('export default 5'), { clock })).rejects.toMatchObject({
      code: 'BRUME_RUNTIME_BUNDLE'
    })
  })
})

test('the bytes of a bundle are the same wherever its files lie', async () => {
  const source = sets('context.x + event.by ** 2')
  const [one, other] = await Promise.all(folders.map((at) => bundleLogic(moduleOf(source, at, 'same'))))
  expect(one?.code).not.toContain('**')
  expect(Buffer.from(one?.logicId ?? []).toString('hex')).toBe(Buffer.from(other?.logicId ?? []).toString('hex'))
})
