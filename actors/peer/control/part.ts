import { dirname } from 'node:path'
import type { Clock, Log } from '@brume/ports'
import { type DataLayout, removeRunning, writeRunning } from '../data/index.ts'
import { type Part, STOP_MS } from '../parts.ts'
import { controlPath } from './path.ts'
import { type ControlServer, type ControlService, serveControl } from './server.ts'
import { sweepSockets } from './sweep.ts'

interface ControlPorts {
  readonly clock: Pick<Clock, 'wall'>
  readonly log: Log
}

/**
 * The control socket as a part of the peer, with running.json, which tells others where it is. A
 * socket that cannot be made is a warning: the peer's work does not depend on being asked about it.
 */
export function controlPart(layout: DataLayout, service: ControlService, { clock, log }: ControlPorts): Part {
  let server: ControlServer | undefined
  return {
    name: 'control',
    stopMs: STOP_MS.control,
    async start() {
      try {
        const path = await controlPath(layout.directory)
        server = await serveControl(path, service, log)
        await sweepSockets(dirname(path), clock.wall())
      } catch (error) {
        log.warn({ error }, 'there is no control socket: brume status and brume peers will not find this peer')
      }
      await writeRunning(layout.running, { pid: process.pid, control: server?.path ?? '' })
    },
    async stop() {
      await removeRunning(layout.running)
      await server?.close()
    }
  }
}
