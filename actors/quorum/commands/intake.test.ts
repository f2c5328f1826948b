import { toHex } from '@brume/codec'
import { commandId, decodeManifest, groupIdOf, makeBlock } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { Inspector } from '../blocks/inspector.ts'
import type { Submission } from '../events.ts'
import { Draws } from '../record/draws.ts'
import { Register } from '../record/register.ts'
import { clientOf, manifestOf, person, Tape } from '../samples.ts'
import { Intake } from './intake.ts'
import { Sessions } from './sessions.ts'

const NOW_MS = 1_700_000_000_000
const bytes = manifestOf([1, 1, 1, 1])
const manifest = decodeManifest(bytes)
const groupId = groupIdOf(bytes)
const program = new Tape()
await program.open({ groupId, manifest: bytes }, () => {})

/** One member's commands, and blocks that become final whatever they carry, as a liar may make them. */
function stand() {
  const inspector = new Inspector(groupId, manifest, program)
  const draws = new Draws(groupId, person(0))
  const register = new Register({ groupId, manifest, inspector, sessions: new Sessions(), draws, stored: null })
  const intake = new Intake({ groupId, pace: manifest.pace, inspector, register, draws })
  let height = 0
  let parent = toHex(groupId)
  const order = (...commands: readonly Uint8Array[]) => {
    height += 1
    const place = { groupId, epoch: 0, view: height, height, parentView: height - 1, parent }
    const named = commands.map((command) => ({ id: toHex(commandId(command)), bytes: command }))
    const proposal = makeBlock(place, NOW_MS + height, named, { nextCommittee: null, vrfProof: null })
    parent = proposal.digest
    const { effective } = register.apply(proposal)
    intake.final([{ proposal, signature: new Uint8Array(64), effective }])
  }
  return { intake, order, submit: (command: Uint8Array) => intake.submit(command, NOW_MS) }
}

const commands = (session = 1) => clientOf(bytes, () => NOW_MS, session)

/** Where it stands, or why it does not, or that nobody knows yet. */
async function outcome({ final }: Submission): Promise<number | string> {
  const told = final.then(
    ({ height }) => height,
    ({ code }: { readonly code: string }) => code
  )
  return Promise.race([told, Promise.resolve().then(() => Promise.resolve('waits'))])
}

test('a command that stands in a final block and is skipped is not told to be final', async () => {
  const { intake, order, submit } = stand()
  const [first, other] = [commands()('first'), commands()('other')]
  const submissions = [submit(first), submit(other)]
  order(first, other)
  expect(await Promise.all(submissions.map(outcome))).toEqual([1, 'BRUME_QUORUM_SEQUENCE_OLD'])
  expect([intake.pool.size, intake.pool.isPending]).toEqual([0, false])
})

test('what comes a second time took effect the first time, and is refused', async () => {
  const { order, submit } = stand()
  const command = commands()('once')
  const submission = submit(command)
  order(command)
  order(command)
  expect(await outcome(submission)).toBe(1)
  expect(() => submit(command)).toThrow(expect.objectContaining({ code: 'BRUME_QUORUM_SEQUENCE_OLD' }))
})

test('one that a liar orders before its turn waits on, and is final where it takes effect', async () => {
  const { intake, order, submit } = stand()
  const command = commands()
  const [first, second] = [command('first'), command('second')]
  const submission = submit(second)
  order(second)
  expect([await outcome(submission), intake.pool.size, intake.pool.isPending]).toEqual(['waits', 1, false])
  order(first)
  expect([await outcome(submission), intake.pool.isPending]).toEqual(['waits', true])
  order(second)
  expect(await outcome(submission)).toBe(3)
  expect(intake.pool.size).toBe(0)
})

test('a command is pending when all before it are ordered or here, in whatever order they came', () => {
  const { intake, order, submit } = stand()
  const command = commands()
  const [first, second, third] = [command('1'), command('2'), command('3')]
  submit(third)
  submit(second)
  expect([intake.pool.isPending, intake.oldest()]).toEqual([false, []])
  const { version } = intake.pool
  order(first)
  expect(intake.pool.isPending).toBe(true)
  expect(intake.pool.version).toBeGreaterThan(version)
  expect(intake.oldest().map(({ bytes: each }) => each)).toEqual([second, third])
})

test('who expires behind a gap hears of the gap, who expires in turn of time, and then nothing is pending', async () => {
  const { intake, submit } = stand()
  const [gone, there] = [commands(1), commands(2)]
  gone('lost')
  const submissions = [submit(gone('late')), submit(there('1')), submit(there('2'))]
  expect(intake.pool.firstExpiryMs).toBe(NOW_MS + 120_000)
  expect(intake.sweep(NOW_MS + 120_000)).toBe(0)
  expect(intake.sweep(NOW_MS + 121_000)).toBe(3)
  const expired = 'BRUME_QUORUM_EXPIRED'
  expect(await Promise.all(submissions.map(outcome))).toEqual(['BRUME_QUORUM_SEQUENCE_GAP', expired, expired])
  expect([intake.pool.size, intake.pool.isPending]).toEqual([0, false])
})
