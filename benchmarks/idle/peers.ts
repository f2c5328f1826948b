import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { toHex } from '@brume/codec'
import { groupIdOf } from '@brume/protocols/quorum'
import { rosterOf } from '../consensus/roster.ts'
import { BenchError } from '../harness/errors.ts'
import type { Kind } from './kinds.ts'

export const PEERS = 4

/** What a peer says of itself. */
export interface IdleAnswer {
  readonly connected: number
  readonly groups: readonly { readonly state: string; readonly dormant: boolean; readonly height: number }[]
  /** Sent and received since its start. */
  readonly quorumFrames: number
}

const BRUME = fileURLToPath(new URL('cli/brume.ts', import.meta.resolve('@brume/peer')))
const PEER_MAIN = fileURLToPath(new URL('peer-main.ts', import.meta.url))
/** As `brume up` starts itself again with them (preset laptop). */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=192']
const END_GRACE_MS = 5_000

/** One peer in its process. */
export class IdlePeer {
  readonly kind: Kind
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #logPath: string
  #ended = false
  #connected = 0

  private constructor(kind: Kind, child: ChildProcess, logPath: string) {
    this.kind = kind
    this.#child = child
    this.#logPath = logPath
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()))
    void this.#exited.then(() => {
      this.#ended = true
    })
  }

  /** @throws BenchError when the process could not be started */
  static start(kind: Kind, dataDir: string, network: string, logPath: string): IdlePeer {
    const log = openSync(logPath, 'a', 0o600)
    try {
      return kind === 'up'
        ? IdlePeer.#up(dataDir, network, logPath, log)
        : IdlePeer.#own(kind, dataDir, network, logPath, log)
    } finally {
      closeSync(log)
    }
  }

  static #up(dataDir: string, network: string, logPath: string, log: number): IdlePeer {
    const args = [BRUME, 'up', '--json', '--data-dir', dataDir, '--profile', 'local', '--network', network]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', log], env: environment() })
    const peer = new IdlePeer('up', child, logPath)
    if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => peer.#heard(line))
    return peer
  }

  static #own(kind: Kind, dataDir: string, network: string, logPath: string, log: number): IdlePeer {
    const child = fork(PEER_MAIN, [dataDir, network], {
      execArgv: [...NODE_FLAGS, '--disable-warning=ExperimentalWarning'],
      env: { ...environment(), NODE_COMPILE_CACHE: join(dataDir, 'cache') },
      stdio: ['ignore', log, log, 'ipc']
    })
    return new IdlePeer(kind, child, logPath)
  }

  /** @throws BenchError `BRUME_BENCH_MEMBER_FAILED` once the process has ended */
  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined || this.#ended) {
      throw new BenchError('BRUME_BENCH_MEMBER_FAILED', `a peer has ended; see ${this.#logPath}`)
    }
    return pid
  }

  async ask(): Promise<IdleAnswer> {
    if (this.kind === 'up') return { connected: this.#connected, groups: [], quorumFrames: 0 }
    if (this.pid === 0 || !this.#child.connected) return { connected: 0, groups: [], quorumFrames: 0 }
    const { promise, resolve } = Promise.withResolvers<IdleAnswer>()
    this.#child.once('message', (message) => resolve(message as IdleAnswer))
    this.#child.send('report')
    return promise
  }

  /** SIGTERM, then SIGKILL. Never rejects. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE_MS)
    await this.#exited
    clearTimeout(kill)
  }

  /** `brume up --json` says how many are connected whenever somebody joins or leaves. */
  #heard(line: string): void {
    const notice: unknown = JSON.parse(line)
    if (typeof notice !== 'object' || notice === null || !('connected' in notice)) return
    if (typeof notice.connected === 'number') this.#connected = notice.connected
  }
}

/** A person's BRUME_* settings are for their own peer. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BRUME_')))
}

/** Four peers of one kind in a network of their own, on data folders made for them. */
export function startSet(kind: Kind, folder: string, out: string): readonly IdlePeer[] {
  const nonce = new Uint8Array(randomBytes(32))
  const network = `idle-${toHex(nonce).slice(0, 16)}`
  const roster = rosterOf(nonce, PEERS)
  const manifest = roster.manifestOf({ name: 'idle', binding: 'streams', journal: true, attests: false })
  return roster.identities.map(({ peerId, seed }, index) => {
    const dataDir = join(folder, `${kind}-${index}`)
    mkdirSync(join(dataDir, 'groups'), { recursive: true, mode: 0o700 })
    const identity = { version: 1, peer: peerId, seed: toHex(seed), host: null, journalBorn: false }
    writeFileSync(join(dataDir, 'identity.json'), JSON.stringify(identity), { mode: 0o600 })
    if (kind === 'group') writeFileSync(join(dataDir, 'groups', `${toHex(groupIdOf(manifest))}.cbor`), manifest)
    return IdlePeer.start(kind, dataDir, network, join(out, `idle-${kind}-${index}.log`))
  })
}
