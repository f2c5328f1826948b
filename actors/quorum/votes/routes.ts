import { votesOf } from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import { ATTEST, type Frame } from '@brume/protocols/quorum'
import type { Epoch } from '../epoch.ts'

/** A member on its own authenticated stream. */
export interface Sender {
  readonly peer: PeerId
  readonly member: number
}

type Route<T extends Frame['type']> = (epoch: Epoch, from: Sender, frame: Extract<Frame, { type: T }>) => void

/** Where each type of frame goes: one line for one type. What has none is dropped and counted. */
const ROUTES: { readonly [T in Frame['type']]?: Route<T> } = {
  votes: (epoch, { member }, frame) => {
    // On a stream the sender is the signer: for anybody else's vote the stream ends.
    if (frame.votes.some(({ signer }) => signer !== member)) throw new RangeError('a vote of another signer')
    epoch.voted(member, frame)
  },
  propose: (epoch, { member }, frame) => {
    epoch.proposed(member, frame.proposal, frame.signature)
  },
  outline: (epoch, { member }, { outline }) => {
    if (outline.place.epoch !== epoch.epoch) return epoch.owner.dropped('epoch')
    epoch.assembly.add(member, outline)
  },
  offer: ({ owner }, { peer }, { id }) => owner.offered(peer, id),
  certificate: (epoch, { member }, frame) => {
    const { engine, self } = epoch
    engine.post({ ...frame, from: member, ...engine.now() })
    const place = self === null ? -1 : frame.certificate.signers.indexOf(self)
    const own = place === -1 ? undefined : votesOf(frame.certificate)[place]
    if (own !== undefined) epoch.heardOwn(own)
  },
  echo: (epoch, { member }, frame) => {
    if (frame.epoch !== epoch.epoch) return epoch.owner.dropped('epoch')
    epoch.echoed(member, frame.votes)
  },
  status: (epoch, { member }, frame) => {
    if (frame.epoch !== epoch.epoch) return epoch.owner.dropped('epoch')
    epoch.engine.post({ ...frame, from: member, ...epoch.engine.now() })
  },
  request: (epoch, { member }, frame) => {
    if (frame.epoch !== epoch.epoch) return epoch.owner.dropped('epoch')
    const { want } = frame
    if (want === ATTEST) return epoch.owner.attestationAsked(epoch, member, frame.view)
    epoch.engine.post({ ...frame, want, from: member })
  },
  outcomes: (epoch, { member }, frame) => epoch.owner.outcomes(epoch, member, frame),
  command: ({ owner }, { peer }, { command }) => owner.command(peer, command)
}

export function route<T extends Frame['type']>(epoch: Epoch, from: Sender, frame: Extract<Frame, { type: T }>): void {
  const to = ROUTES[frame.type] as Route<T> | undefined
  if (to === undefined) epoch.owner.dropped('type')
  else to(epoch, from, frame)
}
