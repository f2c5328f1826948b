import { Latencies } from './latencies.ts'
import type { FromPeer, MemberSample, PeerConfig, PeerSample, Placed, ToPeer } from './messages.ts'
import { PeerProcess } from './peer-process.ts'
import type { ProcessId } from './process-table.ts'
import type { PeerRow, PeerState, TestnetEvent } from './state.ts'

export interface PeerIdentity {
  readonly name: string
  readonly peerId: string
}

export interface PeerSlotOptions extends PeerIdentity {
  readonly logPath: string
  /** The command that runs the process, as for `PeerProcess`. */
  readonly prefix: readonly string[]
}

/** What a slot tells its run. */
export interface PeerSlotEvents {
  emit(event: string, peer: string, detail?: TestnetEvent['detail']): void
  /** A process began or ended: the list for the guard is to be written anew. */
  processesChanged(): void
  /** It listens elsewhere than before. */
  addressesChanged(): void
  outcome(peer: string, id: number, placed: Placed | undefined, error: string | undefined): void
  /** `peer` holds a proof that the member with this peer id has contradicted itself. */
  accused(peer: string, member: string, view: number): void
  /** The peer sees other members than before. */
  membersChanged(): void
}

/** One place in the run, held by one process after another. Owns all that is known of its peer. */
export class PeerSlot {
  readonly identity: PeerIdentity
  readonly #logPath: string
  readonly #prefix: readonly string[]
  readonly #names: ReadonlyMap<string, string>
  readonly #events: PeerSlotEvents
  readonly #notarized = new Latencies()
  readonly #final = new Latencies()
  #process: PeerProcess | undefined
  #state: PeerState = 'waiting'
  #addresses: readonly string[] = []
  #members: readonly MemberSample[] = []
  #sample: PeerSample | undefined
  #weight: number | undefined
  readonly #inbound = new Set<number>()
  #ready = Promise.withResolvers<void>()

  /** `names`: of all peers of the run, by peer id. */
  constructor(options: PeerSlotOptions, names: ReadonlyMap<string, string>, events: PeerSlotEvents) {
    this.identity = { name: options.name, peerId: options.peerId }
    this.#logPath = options.logPath
    this.#prefix = options.prefix
    this.#names = names
    this.#events = events
  }

  get name(): string {
    return this.identity.name
  }

  get state(): PeerState {
    return this.#state
  }

  get addresses(): readonly string[] {
    return this.#addresses
  }

  get sample(): PeerSample | undefined {
    return this.#state === 'running' ? this.#sample : undefined
  }

  /** Remote ports of all connections that were ever seen to come in. */
  get inboundPorts(): ReadonlySet<number> {
    return this.#inbound
  }

  /** The port on which its peer listens, while one does. */
  get port(): number | undefined {
    const [, port] = /\/tcp\/(\d+)/.exec(this.#addresses[0] ?? '') ?? []
    return this.#process === undefined || port === undefined ? undefined : Number(port)
  }

  /** The process that now holds the slot, if one does. */
  get process(): ProcessId | undefined {
    return this.#process?.id
  }

  /** Live members other than the peer itself to which it has a connection. */
  get connectedMembers(): number {
    return this.#members.filter((member) => member.connected && member.state === 'up').length
  }

  /** Starts a process; resolves when its peer is ready, or has ended instead. */
  async start(config: PeerConfig): Promise<void> {
    this.#state = 'starting'
    this.#members = []
    this.#sample = undefined
    this.#ready = Promise.withResolvers()
    const process: PeerProcess = new PeerProcess(this.#logPath, this.#prefix, {
      message: (message) => this.#take(message),
      exit: (code, signal) => this.#exited(process, code, signal)
    })
    this.#process = process
    this.#events.processesChanged()
    process.configure(config)
    this.#emit('peer.started', { pid: process.id.pid })
    await this.#ready.promise
  }

  /** A message to a slot that nobody holds is lost, as one to an ended process is. */
  send(message: ToPeer): void {
    this.#process?.send(message)
  }

  async kill(): Promise<void> {
    if (this.#process === undefined) return
    this.#state = 'killed'
    this.#process.signal('SIGKILL')
    this.#emit('peer.killed')
    await this.#process.exited
  }

  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#process?.signal('SIGSTOP')
    this.#emit('peer.paused')
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#process?.signal('SIGCONT')
    this.#emit('peer.resumed')
  }

  /** The process is about to be ended on purpose. Ending it is the run's part. */
  expectEnd(): void {
    if (this.#process !== undefined) this.#state = 'stopped'
  }

  /** Resolves when the slot holds no process. */
  async ended(): Promise<void> {
    await this.#process?.exited
  }

  row(): PeerRow {
    return {
      ...this.identity,
      pid: this.#process?.id.pid,
      state: this.#state,
      addresses: this.#addresses,
      members: this.#members,
      sample: this.#sample,
      weight: this.#weight,
      notarizedP50Ms: this.#notarized.median(),
      finalP50Ms: this.#final.median()
    }
  }

  #take(message: FromPeer): void {
    // What a peer sees while all are being ended is no news.
    if (this.#state === 'stopped' || this.#state === 'killed') return
    if (message.type === 'ready') this.#becomeReady(message.addresses)
    else if (message.type === 'members') this.#takeMembers(message.members)
    else if (message.type === 'sample') this.#takeSample(message.sample)
    else if (message.type === 'outcome') this.#events.outcome(this.name, message.id, message.placed, message.error)
    else if (message.type === 'accused') this.#events.accused(this.name, message.member, message.view)
    else this.#emit('peer.failed', { code: message.code, message: message.message })
  }

  #becomeReady(addresses: readonly string[]): void {
    this.#addresses = addresses
    this.#events.addressesChanged()
    if (this.#state === 'starting') this.#state = 'running'
    this.#emit('peer.ready', { address: addresses[0]?.replace(/\/p2p\/.*/, '') ?? 'nothing' })
    this.#ready.resolve()
  }

  #takeMembers(members: readonly MemberSample[]): void {
    const before = new Map(this.#members.map((member) => [member.peer, member.state]))
    this.#members = members
    for (const { peer, state } of members) {
      const was = before.get(peer)
      if (was === state) continue
      const other = this.#names.get(peer) ?? peer
      const counts = { other, connected: this.connectedMembers, others: this.#names.size - 1 }
      if (state === 'up') this.#emit('peer.discovered', counts)
      // A restarted peer remembers whom it knew and has not met yet: no news either.
      else if (was !== undefined) this.#emit(state === 'dead' ? 'peer.lost' : 'peer.suspects', { other })
    }
    this.#events.membersChanged()
  }

  #takeSample(sample: PeerSample): void {
    const was = this.#sample?.group?.state
    this.#sample = sample
    for (const port of sample.inboundPorts) this.#inbound.add(port)
    this.#notarized.add(sample.notarizedMs)
    this.#final.add(sample.finalMs)
    const { group } = sample
    if (group === undefined) return
    this.#weight = group.weights.find(({ peer }) => peer === this.identity.peerId)?.weight ?? this.#weight
    if (group.state !== was) this.#emit('group.state', { state: group.state, ...reasonOf(group.reason) })
  }

  #exited(process: PeerProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#process !== process) return
    this.#process = undefined
    this.#events.processesChanged()
    if (this.#state !== 'killed' && this.#state !== 'stopped') {
      this.#state = 'failed'
      this.#emit('peer.exited', { how: signal ?? `code ${code}`, log: this.#logPath })
    }
    this.#ready.resolve()
  }

  #emit(event: string, detail?: TestnetEvent['detail']): void {
    this.#events.emit(event, this.name, detail)
  }
}

function reasonOf(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason }
}
