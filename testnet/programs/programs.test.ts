import type { Block, LeafProgram, ProgramEvent } from '@brume/actors/quorum'
import { encode, equal, toHex } from '@brume/codec'
import { identityFromSeed, leafHash, pageCount, rootFromPath, sha256 } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { commandId, encodeCall, stateRootOf } from '@brume/protocols/quorum'
import { memoryStore } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { Counter } from './counter.ts'
import { Echo } from './echo.ts'

const GROUP = sha256(Uint8Array.of(1))
const programs: readonly (readonly [string, (store?: Store) => LeafProgram])[] = [
  ['counter', (store) => new Counter(store)],
  ['echo', (store) => new Echo(store)]
]

/** A block of commands by clients of their own, so that a state of clients has as many leaves. */
function blockOf(program: LeafProgram, height: number, commands: number, checkpoint = false): Block {
  const list = Array.from({ length: commands }, (_, index) => {
    const client = identityFromSeed(sha256(encode([height, index])))
    const body = encode(['add', height + index, new Uint8Array(0)])
    const bytes = encodeCall({ groupId: GROUP, session: 1, sequence: 1, expiresMs: 1, body }, client)
    const inspected = program.inspect(bytes)
    if ('code' in inspected) throw new RangeError(inspected.code)
    return { ...inspected, id: toHex(commandId(bytes)), bytes, index }
  })
  const [digest, previous] = [toHex(sha256(encode(height))), toHex(sha256(encode(height - 1)))]
  const seed = new Uint8Array(32)
  return {
    epoch: 0,
    view: height,
    height,
    digest,
    previous,
    leader: 0,
    timeMs: height,
    seed,
    checkpoint,
    commands: list
  }
}

type Executed = Extract<ProgramEvent, { type: 'executed' }>

async function opened(program: LeafProgram) {
  const executed: Executed[] = []
  const height = await program.open({ groupId: GROUP }, (event) => {
    if (event.type === 'executed') executed.push(event)
  })
  return { height, executed }
}

describe.each(programs)('%s', (_, make) => {
  test('makes the same of the same blocks, and says so in a statement that names group and block', async () => {
    const [one, two] = [make(), make()]
    const [a, b] = [await opened(one), await opened(two)]
    for (let height = 1; height <= 5; height++) {
      one.deliver(blockOf(one, height, 3))
      two.deliver(blockOf(two, height, 3))
    }
    expect(a.executed).toEqual(b.executed)
    for (const { statement, digest } of a.executed) {
      const text = toHex(statement ?? new Uint8Array())
      expect(text).toContain(toHex(GROUP))
      expect(text).toContain(digest)
    }
  })

  test('gives its state away page by page, and takes it back', async () => {
    const [one, two] = [make(), make()]
    const { executed } = await opened(one)
    const late = await opened(two)
    for (let height = 1; height <= 4; height++) one.deliver(blockOf(one, height, 100, height === 4))
    const [last] = executed.slice(-1)
    if (last?.stateRoot == null) throw new RangeError('no state root at a checkpoint')
    const to = { height: 4, stateRoot: last.stateRoot, leaves: last.leaves }
    for (let page = 0; page < pageCount(to.leaves); page++) {
      const data = await one.page(4, page)
      expect(data !== null && (await two.restore(to, page, data))).toBe(true)
    }
    expect(two.leaves.stateRoot).toEqual(one.leaves.stateRoot)
    one.deliver(blockOf(one, 5, 2))
    two.deliver(blockOf(two, 5, 2))
    expect(late.executed.at(-1)).toEqual(executed.at(-1))
  })

  test('survives a restart as of its last certified checkpoint', async () => {
    const store = memoryStore()
    const one = make(store)
    await opened(one)
    for (let height = 1; height <= 6; height++) one.deliver(blockOf(one, height, 90, height % 2 === 0))
    one.certified([2, 4])
    await one.saved()
    expect((await opened(make(store))).height).toBe(4)
    one.certified([4, 6])
    await one.saved()
    expect((await opened(make(store))).height).toBe(6)
    const again = make(store)
    await opened(again)
    expect(again.leaves.stateRoot).toEqual(one.leaves.stateRoot)
    expect(await again.page(6, 0)).toEqual(await one.page(6, 0))
  })

  test('answers its commands with leaves that the statement is the root of', async () => {
    const program = make()
    await opened(program)
    const block = blockOf(program, 1, 3)
    const reading = program.read([`answer/${block.commands[1]?.id}`], 1, true)
    program.deliver(block)
    const [leaf] = (await reading) ?? []
    if (leaf?.statement == null) throw new RangeError('no proof')
    const root = rootFromPath(leafHash(leaf.leaf), leaf.index, leaf.count, leaf.path)
    const bound = stateRootOf(leaf.count, root ?? new Uint8Array(0))
    expect(equal(leaf.statement.subarray(80, 112), bound)).toBe(true)
    expect(await program.read(['nowhere'], 0, false)).toBeNull()
  })
})
