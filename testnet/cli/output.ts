import type { ReadStream, WriteStream } from 'node:tty'
import type { EventLine } from '../runner/event-line.ts'
import type { Testnet } from '../runner/testnet.ts'
import { jsonLine, plainLine } from '../view/describe.ts'
import { startLiveView } from '../view/live.ts'

/** Between two `progress` lines where there is no view. */
const PROGRESS_MS = 2_000

/** Ends the output; calling it gives the terminal back. */
export type EndOutput = () => void

/** A line an event, and of a run one of progress every 2 s. */
export function printEvents(events: EventLine, json: boolean, testnet?: Testnet): EndOutput {
  const forget = events.listen((event) => {
    process.stdout.write(`${json ? jsonLine(event) : plainLine(event)}\n`)
  })
  const timer = testnet === undefined ? undefined : setInterval(() => tellProgress(testnet), PROGRESS_MS)
  return () => {
    clearInterval(timer)
    forget()
  }
}

function tellProgress(testnet: Testnet): void {
  const state = testnet.state()
  if (state.heightMax === 0) return
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const values = state.peers.flatMap((peer) => peer.sample?.group?.value ?? [])
  testnet.events.emit('progress', undefined, {
    height: state.heightMin,
    value: Math.max(0, ...values),
    notarizedP50Ms: Math.round(state.notarizedP50Ms ?? 0),
    finalP50Ms: Math.round(state.finalP50Ms ?? 0),
    // Every connection is seen from both its ends.
    connections: sum(state.peers.map((peer) => peer.sample?.connections ?? 0)) / 2
  })
}

/** The full-screen view, with keys. */
export function showLive(testnet: Testnet, quit: () => void): EndOutput {
  const ignore = (): undefined => undefined
  const input: ReadStream = process.stdin
  const output: WriteStream & { readonly fd: 1 } = process.stdout
  return startLiveView(input, output, {
    state: () => testnet.state(),
    kill: (peer) => void testnet.kill([peer]).catch(ignore),
    restart: (peer) => void testnet.restart([peer]).catch(ignore),
    pause: (peer) => {
      const paused = testnet.state().peers.some((row) => row.name === peer && row.state === 'paused')
      if (paused) testnet.resume([peer])
      else testnet.pause([peer])
    },
    quit
  })
}
