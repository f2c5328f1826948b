import { type Vote, viewAt } from '@brume/consensus'
import type { Frame } from '@brume/protocols/quorum'
import type { Engine } from './engine.ts'

/**
 * Votes without shortcuts, for measuring what those are worth: each is checked as it comes until a quorum is
 * there, and makes a step of its own.
 */
export function checkEach(engine: Engine, from: number, frame: Omit<Extract<Frame, { type: 'votes' }>, 'type'>): void {
  for (const vote of frame.votes) {
    const isNeeded = viewAt(engine.state, vote.view)?.tallies[vote.kind].certificate == null
    if (isNeeded && !engine.check(vote)) continue
    engine.post({ ...frame, type: 'votes', votes: [vote], from, verified: isNeeded, ...engine.now() })
  }
}

/** The vote that a block is signed by. */
export function checkProposer(engine: Engine, from: number, vote: Vote): void {
  const { view = 0, final = 0 } = engine.state.marks[from] ?? {}
  if (vote.signer === from) checkEach(engine, from, { votes: [vote], view, final })
}
