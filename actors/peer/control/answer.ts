import type { Peer } from '../peer.ts'
import { reportMember } from '../report.ts'
import { actorAt, actorHistory, askActor, moveActor, resurrectActor, showActor, stopActor } from './actors.ts'
import { base64, bytesOf, textOf, wrong } from './arguments.ts'
import type { Arguments, Request } from './messages.ts'

/** What the peer answers on its control socket; plain JSON, bytes in base64. */
export function answer(request: Request, args: Arguments, peer: Peer): unknown {
  switch (request) {
    case 'id':
      return { id: peer.id }
    case 'status':
      return peer.status()
    case 'peers':
      return { peers: peer.members().map(reportMember) }
    case 'quorum.join':
      return join(peer, bytesOf(args, 'manifest'))
    case 'quorum.submit':
      return submit(peer, textOf(args, 'group'), bytesOf(args, 'body'))
    case 'quorum.read':
      return read(peer, args)
    case 'actors.list':
      return { actors: peer.actors() }
    case 'actors.show':
      return showActor(peer, args)
    case 'actors.ask':
      return askActor(peer, args)
    case 'actors.at':
      return actorAt(peer, args)
    case 'actors.history':
      return actorHistory(peer, args)
    case 'actors.stop':
      return stopActor(peer, args)
    case 'actors.resurrect':
      return resurrectActor(peer, args)
    case 'actors.move':
      return moveActor(peer, args)
  }
}

async function join(peer: Peer, manifest: Uint8Array): Promise<unknown> {
  const group = await peer.hosted.join(manifest)
  return group.status()
}

async function submit(peer: Peer, group: string, body: Uint8Array): Promise<unknown> {
  const { id, height, view, answer: leaf, bundle } = await peer.hosted.submit(group, body)
  return { id, height, view, answer: base64(leaf), bundle: base64(bundle) }
}

async function read(peer: Peer, args: Arguments): Promise<unknown> {
  const { level } = args
  if (level !== 'local' && level !== 'final' && level !== 'certified') throw wrong('level')
  const paths = Array.isArray(args.paths) ? args.paths.map(String) : []
  const found = await peer.hosted.read(textOf(args, 'group'), paths, level)
  const { height, leaves, bundle } = found
  return { height, leaves: leaves?.map(base64) ?? null, bundle: bundle === null ? null : base64(bundle) }
}
