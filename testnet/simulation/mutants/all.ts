import { type Committee, KIND, type Rules, type Statement, signedBytes, type Vote } from '@brume/consensus'
import type { Mutant } from './mutant.ts'

const NO_SIGNATURE = new Uint8Array(64)

/** Bytes of another statement or committee than is said. */
const signing =
  (change: (committee: Committee, statement: Statement) => readonly [Committee, Statement]): Rules['signedBytes'] =>
  (committee, statement) =>
    signedBytes(...change(committee, statement))

/** Every known bug that the checks must notice (quorum.md 16.1, testing.md 2.5). */
export const MUTANTS: readonly Mutant[] = [
  { name: 'quorum one too light', rules: { quorumOf: ({ quorum }) => quorum - 1 } },
  { name: 'quorum of F + 1', rules: { quorumOf: ({ faults }) => faults + 1 } },
  { name: 'quorum of 2 floor(W / 3) + 1', rules: { quorumOf: ({ total }) => 2 * Math.floor(total / 3) + 1 } },
  { name: 'quorum of everybody', rules: { quorumOf: ({ total }) => total } },
  {
    name: 'signer counted twice',
    rules: { isCounted: () => false }
  },
  {
    name: 'members counted instead of weight',
    rules: { weightOf: () => 1, quorumOf: ({ members }) => Math.floor((2 * members.length) / 3) + 1 }
  },
  {
    name: 'finalize after nullify',
    rules: { mayFinalize: ({ said, leaderLied }) => !leaderLied && said[KIND.finalize] === undefined }
  },
  { name: 'nullify after finalize', rules: { mayNullify: (view) => view?.said[KIND.nullify] === undefined } },
  { name: 'sent before sync', host: { sendsBeforeSync: true } },
  { name: 'votes forgotten on restart', host: { restore: () => [] } },
  { name: 'floor moves back', host: { floor: (ledger) => ledger.olderFloor(1) } },
  {
    name: 'parent view unsigned',
    rules: { signedBytes: signing((committee, statement) => [committee, { ...statement, parentView: 0 }]) }
  },
  {
    name: 'one domain for notarize and finalize',
    rules: {
      signedBytes: signing((committee, statement) => [
        committee,
        statement.kind === KIND.finalize ? { ...statement, kind: KIND.notarize } : statement
      ])
    }
  },
  { name: 'gap unchecked', rules: { gapBetween: () => undefined } },
  {
    name: 'committee hash unsigned',
    rules: { signedBytes: signing((committee, statement) => [{ ...committee, hash: new Uint8Array(32) }, statement]) }
  },
  {
    name: 'epoch unsigned',
    rules: { signedBytes: signing((committee, statement) => [committee, { ...statement, epoch: 0 }]) }
  },
  { name: 'diversity ignored', rules: { isDiverse: () => true } },
  { name: 'unverified vote takes another slot', rules: { mayTakeSlot: () => true }, host: { checksSender: false } },
  { name: 'signatures unchecked', host: { checksSignatures: false } },
  { name: 'timer before input', host: { timerBeforeInput: true } },
  {
    name: 'back-off reset without finalization',
    rules: { nullifiedAfter: () => 0 }
  },
  { name: 'missing nullification never pulled', rules: { mayPull: () => false } },
  {
    name: 'retry tied to the deadline',
    rules: { retryMs: ({ deltaMs, nullified }) => Math.min(30_000, 2 * deltaMs * 1.5 ** nullified) }
  },
  { name: 'dormant member deaf to weight above F', rules: { wakes: () => false } },
  {
    name: 'own vote counted before sync',
    rules: {
      countsUnsynced: (_, self, statement): Vote => ({ ...statement, signer: self, signature: NO_SIGNATURE })
    }
  },
  { name: 'repeats told apart by gossip id only', host: { countsAttempts: false } },
  { name: 'nothing resent', host: { resends: false } },
  {
    name: 'clock for a notarized block',
    rules: { judgingClock: (_, wallMs) => wallMs }
  }
]

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((other) => other.name === name)
  if (mutant === undefined) throw new RangeError(`no mutant is called '${name}'; a swarm lists them`)
  return mutant
}
