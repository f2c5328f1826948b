import type { WholeOptions } from './options.ts'
import type { Patch } from './patch.ts'
import { CALM, stageOf } from './stages.ts'

/** A known bug: a judgement of the production source, replaced by a wrong one while it is loaded. */
export interface WholeMutant {
  readonly name: string
  readonly patches: readonly Patch[]
  /** What a run must have for the bug to matter, in place of what its seed drew. */
  readonly stage: Partial<WholeOptions>
}

const kills = (process: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ atMs: 700 + 1_100 * i, type: 'kill' as const, process },
    ...{ kept: 4, downMs: 100 + 100 * i }
  }))

/** Every known bug of what is not in the reducer (quorum.md 16.1): epochs, execution, checkpoints, clients. */
export const WHOLE_MUTANTS: readonly WholeMutant[] = [
  {
    name: 'attestation accepted without finality of its block',
    patches: [
      {
        file: 'protocols/quorum/verify.ts',
        find: '  checkCertificate(trusted, certificate)\n  return header',
        put: '  return header'
      }
    ],
    stage: { ...CALM, liars: [{ member: 1, roles: ['lies-to-clients'] }] }
  },
  {
    name: 'attestation accepted from weight F',
    patches: [
      {
        file: 'packages/consensus/committee.ts',
        find: 'return weight > committee.faults',
        put: 'return weight >= committee.faults'
      }
    ],
    stage: { ...CALM, liars: [{ member: 1, roles: ['wrong-results'] }] }
  },
  {
    name: 'committee of the epoch before goes on deciding',
    patches: [
      {
        file: 'actors/quorum/record/turnover.ts',
        find: 'const seated = { members: next, next: formed }',
        put: 'const seated = { members: closed.members, next: formed }'
      }
    ],
    stage: { ...CALM, epochBlocks: 4 }
  },
  {
    name: 'root of a restored state unchecked',
    patches: [
      {
        file: 'actors/quorum/checkpoints/transfer.ts',
        find: 'return root !== undefined && equal(root, merkleRoot)',
        put: 'return root !== merkleRoot'
      },
      {
        file: 'actors/quorum/execution/leaf-state.ts',
        find: 'return state.size === to.leaves && equal(state.stateRoot, to.stateRoot) ? state : null',
        put: 'return state.size === to.leaves && !equal(state.stateRoot, new Uint8Array(32)) ? state : null'
      }
    ],
    stage: {
      ...CALM,
      liars: [{ member: 1, roles: ['bad-pages'] }],
      forgetful: [0],
      events: kills(0, 4)
    }
  },
  {
    name: 'sequence unchecked',
    patches: [
      {
        file: 'actors/quorum/commands/sessions.ts',
        find: 'if (command.sequence !== (before?.sequence ?? 0) + 1) return false',
        put: ''
      }
    ],
    stage: { ...CALM, liars: [{ member: 1, roles: ['replay'] }] }
  },
  {
    name: 'answer believed without proof',
    patches: [
      {
        file: 'protocols/quorum/verify.ts',
        find: 'if (proof !== null) checkProof(proof, header, root)',
        put: 'if (proof === null) checkProof'
      }
    ],
    stage: { ...CALM, liars: [{ member: 1, roles: ['lies-to-clients'] }] }
  },
  {
    name: 'final read without a fence',
    patches: [
      {
        file: 'actors/quorum/clients/desk.ts',
        find: 'Math.max(atLeast, await this.#linearize())',
        put: 'Math.max(atLeast, (await Promise.resolve(this.#linearize)) === undefined ? 1 : 0)'
      }
    ],
    stage: {
      ...CALM,
      events: [0, 1, 0].map((process, i) => ({ atMs: 800 + 1_600 * i, type: 'isolate', process, forMs: 1_200 }))
    }
  },
  {
    name: 'what others heard of a forgetful member is unheard',
    patches: [
      {
        file: 'actors/quorum/votes/echo.ts',
        find: 'if (vote.signer !== self || ',
        put: 'if (vote.signer === self || '
      }
    ],
    stage: stageOf('lying disk')
  },
  {
    name: 'another process with the own key is unheard',
    patches: [
      {
        file: 'actors/quorum/votes/franchise.ts',
        find: '    if (this.#muted !== null) return\n    const { persistence, onLost }',
        put: "    if (this.#muted !== null || by === 'twin') return\n    const { persistence, onLost }"
      }
    ],
    stage: stageOf('twin')
  },
  {
    name: 'proof told again and again',
    patches: [
      {
        file: 'actors/quorum/evidence/proceedings.ts',
        find: 'if (this.#warranted.has(name)) return',
        put: ''
      }
    ],
    stage: stageOf('evidence')
  },
  {
    name: 'proof in a block unread',
    patches: [
      {
        file: 'actors/quorum/blocks/finality.ts',
        find: 'for (const evidence of warranted) proceedings.ordered(evidence)',
        put: ''
      }
    ],
    stage: stageOf('evidence in a block')
  },
  {
    name: 'committee formed that cannot decide',
    patches: [
      {
        file: 'packages/consensus/formation.ts',
        find: 'return unsound === null ? { formed: true, members }',
        put: 'return unsound !== undefined ? { formed: true, members }'
      }
    ],
    stage: stageOf('unsound')
  },
  {
    name: 'value of a slot believed unseen',
    patches: [
      {
        file: 'actors/quorum/slots/group.ts',
        find: 'if (value !== undefined && toHex(sha256(value)) === digest) return value',
        put: 'if (value !== undefined && toHex(sha256(value)) !== "") return value'
      }
    ],
    stage: stageOf('slots')
  }
]

/** @throws RangeError */
export function wholeMutantNamed(name: string): WholeMutant {
  const mutant = WHOLE_MUTANTS.find((other) => other.name === name)
  if (mutant === undefined) throw new RangeError(`no mutant is called '${name}'; a swarm lists them`)
  return mutant
}
