import type { PeerNotice } from '../events.ts'
import type { Peer } from '../peer.ts'
import { describeHost } from '../report.ts'
import { type Output, paint } from './output.ts'

/** Prints what happens to this peer, one line an event, from now on. */
export function announce(peer: Peer, output: Output): void {
  peer.onNotice((notice) => {
    if (notice.event === 'peer.state') return announceState(peer, notice.state, output)
    output.tell(notice)
    const line = lineOf(notice)
    if (line !== undefined) output.say(line)
  })
}

function announceState(peer: Peer, state: string, output: Output): void {
  if (state !== 'running') {
    output.tell({ event: 'peer.state', state })
    if (state === 'stopping') output.say('stopping')
    return
  }
  const { id, addresses, network, profile, dataDir } = peer.status()
  output.tell({ event: 'peer.state', state, id, addresses, network, profile, dataDir })
  output.say(`${paint.bold('peer')}     ${id}`)
  for (const address of addresses) output.say(`address  ${address}`)
  output.say(`network  ${network.name}, profile ${profile}, data in ${dataDir}`)
  output.say(paint.dim('looking for other peers; Ctrl-C stops'))
}

function lineOf(notice: PeerNotice): string | undefined {
  switch (notice.event) {
    case 'peer.joined':
      return `${paint.green('joined')}   ${notice.peer}${notice.host ? `  ${describeHost(notice.host)}` : ''}  ${connected(notice.connected)}`
    case 'peer.left':
      return `${paint.yellow('left')}     ${notice.peer}  ${connected(notice.connected)}`
    case 'group.state':
      return `group    ${notice.group.slice(0, 16)}  ${notice.state}${notice.reason ? ` (${notice.reason})` : ''}, height ${notice.height}`
    default:
      // A failure is printed once, by whoever ends the command.
      return undefined
  }
}

const connected = (count: number): string => paint.dim(`(${count} connected)`)
