import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TestnetError } from '../errors.ts'
import type { FromPeer, PeerConfig, ToPeer } from './messages.ts'
import { privateFolder } from './private-folder.ts'
import { identifyProcess, type ProcessId } from './process-table.ts'

/**
 * Young generation of 2 MiB, old of 192: a peer takes the same 118 MB RSS as with 1 MiB, as testing.md 3.2 has it, and
 * starts with 0.9 s of CPU instead of 1.4, since loading its modules makes much garbage.
 */
export const NODE_FLAGS = [
  '--max-semi-space-size=2',
  '--max-old-space-size=192',
  '--disable-warning=ExperimentalWarning'
]
const PEER_MAIN = fileURLToPath(new URL('../peer-main.ts', import.meta.url))

export interface PeerProcessEvents {
  message(message: FromPeer): void
  exit(code: number | null, signal: NodeJS.Signals | null): void
}

/**
 * A person's BRUME_* settings are for their own peer; one of them could lead a testnet's out of its
 * network. Compiled code is shared: loading a peer's modules takes 0.5 s of CPU with it, 0.95 without.
 */
export function environmentOf(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(own).filter(([name]) => !name.startsWith('BRUME_'))
  return { NODE_COMPILE_CACHE: join(privateFolder(), 'compiled'), ...Object.fromEntries(kept) }
}

/**
 * One peer in one process, from spawn to exit. The process does nothing until `configure`: by then it
 * is in pids.json, where the guard finds it.
 */
export class PeerProcess {
  readonly id: ProcessId
  readonly exited: Promise<void>
  readonly #child: ChildProcess

  /** `prefix`: a command to run it by, as `ip netns exec <name>`, which becomes the peer's process itself. */
  constructor(logPath: string, prefix: readonly string[], events: PeerProcessEvents) {
    const [command = process.execPath, ...args] = [...prefix, process.execPath, ...NODE_FLAGS, PEER_MAIN]
    const log = openSync(logPath, 'a', 0o600)
    try {
      this.#child = spawn(command, args, {
        env: environmentOf(process.env),
        stdio: ['ignore', log, log, 'ipc'],
        serialization: 'advanced'
      })
    } finally {
      closeSync(log)
    }
    this.exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.on('error', () => undefined)
    this.#child.on('message', (message) => events.message(message as FromPeer))
    this.#child.once('exit', (code, signal) => events.exit(code, signal))
    const id = this.#child.pid === undefined ? undefined : identifyProcess(this.#child.pid)
    if (id === undefined) {
      throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `a peer's process did not start; see ${logPath}`)
    }
    this.id = id
  }

  configure(config: PeerConfig): void {
    this.send({ type: 'config', config })
  }

  /** Says it if the process still listens; a message to an ended one is nobody's loss. */
  send(message: ToPeer): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#child.kill(name)
  }
}
