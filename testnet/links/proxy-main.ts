/** The network between the peers of one run, in a process of its own; ends with its runner. */

import { LinkProxy } from './link-proxy.ts'
import type { FromProxy, ToProxy } from './messages.ts'

const proxy = new LinkProxy()

function say(message: FromProxy): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

function hear(message: ToProxy): void {
  if (message.type === 'peers') proxy.setPeers(message.ports)
  else if (message.type === 'shapes') proxy.setShapes(message.shapes)
  else if (message.type === 'fault') proxy.setFault(message.between, message.how)
  else say({ type: 'carried', ...proxy.account() })
}

// A terminal's Ctrl-C reaches the whole process group; what it means is the runner's to decide.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined)
process.on('message', hear).on('disconnect', () => process.exit(0))
say({ type: 'listening', port: await proxy.listen() })
