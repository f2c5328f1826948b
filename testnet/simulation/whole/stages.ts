import type { WholeOptions } from './options.ts'

/** Four equal members, one of which may be broken, and nothing else that goes wrong. */
export const CALM = {
  weights: [1, 1, 1, 1],
  ...{ delayMs: 5, jitterMs: 1, loss: 0, duplication: 0, deltaMs: 100, epochBlocks: 8, checkpointBlocks: 3 },
  ...{ syncMs: { low: 0.2, high: 1 }, forgetful: [], liars: [], events: [], steps: [], writers: 2, safetyMs: 6_000 },
  ...{ clocks: [], slots: [] }
} satisfies Partial<WholeOptions>

/** Kind of a finalize vote (quorum.md 3). */
const FINALIZE = 3
const SHORT_MS = 3_500

const twin = (copy: boolean): Partial<WholeOptions> => ({
  ...CALM,
  epochBlocks: 4,
  events: [{ atMs: 1_800, type: 'twin', process: 1, copy, reach: [0, 2, 3], both: true }],
  expects: [
    { type: 'stopped', member: 1 },
    { type: 'proven', member: 1 }
  ],
  safetyMs: 4_500
})

/** What quorum.md 16.1 allows a group that is flooded. */
const HELD_BYTES_MAX = 16_777_216
/** How long writers are asked how fast they are, beside a flood and without one. */
const FLOODED_MS = 4_500

/** A member and a stranger that each send so many frames to everybody; 0: the same run in which nobody does. */
export const flooded = (frames: number): Partial<WholeOptions> => ({
  ...CALM,
  ...{ maxCommands: 1_024, epochBlocks: 500, writers: 3, safetyMs: FLOODED_MS },
  liars: [{ member: 1, roles: frames === 0 ? [] : ['flood'] }],
  flood: { fromMs: 1_500, forMs: 2_500, frames },
  expects: [{ type: 'bounded', bytes: HELD_BYTES_MAX }]
})

export interface Stage {
  readonly name: string
  readonly stage: Partial<WholeOptions>
}

const deaf = (process: number) => ({ atMs: 1_000, type: 'deaf', process, kinds: [FINALIZE], forMs: 2_000 }) as const
const slot = (atMs: number, what: 'same' | 'one-differs' | 'all-differ' | 'few') => ({
  atMs,
  what,
  leaderViews: what !== 'few'
})

/** Runs in which one thing must happen that chance would bring about too seldom. */
export const STAGES: readonly Stage[] = [
  {
    /** One member alone hears that an epoch closed, and of the others all are needed. */
    name: 'split across an epoch',
    stage: {
      ...CALM,
      epochBlocks: 4,
      events: [{ atMs: 950, type: 'kill', process: 3, kept: 0, downMs: 2_400 }, deaf(1), deaf(2)],
      expects: [{ type: 'apart' }],
      safetyMs: SHORT_MS
    }
  },
  {
    /** A liar is proven to all, once. */
    name: 'evidence',
    stage: {
      ...CALM,
      weights: [1, 1, 1, 1, 1],
      liars: [{ member: 1, roles: ['double-vote'] }],
      expects: [{ type: 'proven', member: 1 }],
      safetyMs: SHORT_MS
    }
  },
  {
    /** To a member that no gossip reaches, by the block that puts the liar out. */
    name: 'evidence in a block',
    stage: {
      ...CALM,
      weights: [1, 1, 1, 1, 1],
      // It tells one half of the others two things, and the other half, of whom one is deaf, one.
      liars: [{ member: 1, roles: ['equivocate'] }],
      events: [{ atMs: 1, type: 'deaf', process: 2, kinds: [], forMs: SHORT_MS }],
      expects: [{ type: 'proven', member: 1 }],
      safetyMs: SHORT_MS
    }
  },
  {
    /** A disk confirmed what it did not write. */
    name: 'lying disk',
    stage: {
      ...CALM,
      epochBlocks: 500,
      events: [{ atMs: 1_000, type: 'lying-sync', process: 1, forMs: 1_500, downMs: 100 }],
      expects: [{ type: 'forgot', member: 1 }],
      safetyMs: SHORT_MS
    }
  },
  {
    /** Two processes with one key, the second on an empty disk. */
    name: 'twin',
    stage: twin(false)
  },
  {
    /** The second has a copy of the first one's disk. */
    name: 'copied twin',
    stage: twin(true)
  },
  {
    /** One leaves without whom there is no sound committee. */
    name: 'unsound',
    stage: {
      ...CALM,
      weights: [1, 1, 1, 1, 1],
      sites: ['b', 'a', 'a', 'b', 'a'],
      steps: [{ atMs: 800, by: 0, what: 'leave', subject: 0, class: 0 }],
      expects: [{ type: 'seated', epoch: 3 }],
      safetyMs: SHORT_MS
    }
  },
  {
    /** Slots: one replica that never computes the same twice, and one that lies. */
    name: 'slots',
    stage: {
      ...CALM,
      weights: [1, 1, 1, 1, 1],
      liars: [{ member: 0, roles: ['lies-in-slots'] }],
      slots: [slot(500, 'same'), slot(600, 'one-differs'), slot(700, 'all-differ'), slot(800, 'few')],
      safetyMs: SHORT_MS
    }
  }
]

/** @throws RangeError */
export function stageOf(name: string): Partial<WholeOptions> {
  const found = STAGES.find((other) => other.name === name)
  if (found === undefined) throw new RangeError(`no stage is called '${name}'`)
  return found.stage
}
