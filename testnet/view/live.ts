import { writeSync } from 'node:fs'
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { TestnetState } from '../runner/state.ts'
import { render } from './render.ts'

/** Twice a second: faster is unreadable, and every frame costs all peers some of two cores. */
const REDRAW_MS = 500
/** xterm: alternate screen, hidden cursor, and back. */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

export interface LiveActions {
  state(): TestnetState
  kill(peer: string): void
  restart(peer: string): void
  /** Pauses a running peer, resumes a paused one. */
  pause(peer: string): void
  quit(): void
}

interface Key {
  readonly name?: string
  readonly ctrl?: boolean
}

/**
 * Takes over the terminal, draws twice a second, hands keys to `actions`. The answer gives the terminal
 * back; so does the end of the process, whatever ends it short of SIGKILL.
 */
export function startLiveView(
  input: ReadStream,
  output: WriteStream & { readonly fd: number },
  actions: LiveActions
): () => void {
  let selected = 0
  const draw = (): void => {
    // A pseudo-terminal that nobody sized says 0.
    const { columns, rows } = { columns: output.columns || 80, rows: output.rows || 24 }
    const frame = { columns, rows, color: !('NO_COLOR' in process.env), selected }
    output.write(`\x1b[H${render(actions.state(), frame).replaceAll('\n', '\x1b[K\r\n')}\x1b[K\x1b[J`)
  }
  const press = (_text: string | undefined, key: Key): void => {
    if (key.name === 'q' || (key.ctrl === true && key.name === 'c')) actions.quit()
    const peers = actions.state().peers
    if (key.name === 'up') selected = Math.max(0, selected - 1)
    if (key.name === 'down') selected = Math.min(peers.length - 1, selected + 1)
    const peer = peers[selected]?.name
    if (peer !== undefined && key.name === 'k') actions.kill(peer)
    if (peer !== undefined && key.name === 'r') actions.restart(peer)
    if (peer !== undefined && key.name === 'p') actions.pause(peer)
    draw()
  }
  // Written past the stream's buffer: at exit nothing asynchronous runs any more.
  const restore = (): void => {
    if (input.isRaw) input.setRawMode(false)
    writeSync(output.fd, LEAVE)
  }
  emitKeypressEvents(input)
  input.setRawMode(true)
  input.on('keypress', press).resume()
  output.write(ENTER)
  output.on('resize', draw)
  process.on('exit', restore)
  const timer = setInterval(draw, REDRAW_MS)
  draw()
  return () => {
    clearInterval(timer)
    output.off('resize', draw)
    process.off('exit', restore)
    input.off('keypress', press).pause()
    restore()
  }
}
