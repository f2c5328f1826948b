import { createQuorum, type Group, type Quorum } from '@brume/actors/quorum'
import { toHex } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import { createLog, createRegistry } from '@brume/observe'
import type { Net } from '@brume/ports'
import { committeeOf } from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import {
  type MemoryJournal,
  memoryJournal,
  NodeClock,
  newMedium,
  type SimClock,
  type SimNet,
  type SimRandom,
  StoreMedium
} from '@brume/testkit'
import { Deafness } from './deafness.ts'
import { lyingNet } from './liars.ts'
import { FLOOD, type WholeOptions } from './options.ts'
import type { WholeOracle } from './oracle/oracle.ts'
import type { Person } from './people.ts'
import { LogProgram } from './program.ts'
import type { RunLog } from './run-log.ts'
import { type Line, ownLine, SharedLine } from './shared-line.ts'
import { type Slots, slotManifestOf } from './slots.ts'
import { tapped } from './tap.ts'

/** What all processes of a run share. */
export interface Scene {
  readonly options: WholeOptions
  readonly clock: SimClock
  readonly net: SimNet
  readonly manifest: Uint8Array
  readonly people: readonly Person[]
  readonly oracle: WholeOracle
  readonly log: RunLog
  readonly slots: Slots
}

/** What is gone with a process. */
interface Life {
  readonly clock: NodeClock
  readonly journal: MemoryJournal
  readonly quorum: Quorum
  readonly group: Group
  readonly program: LogProgram
}

/** In the log, of a second process with the key of a member. */
const SECOND = 100
/** Its machine has another clock: what both lead they propose at different times. */
const SECOND_OFF_MS = 40

/** A process with a group in it, as production puts it together, and the disks that outlive it. */
export class WholePeer {
  readonly index: number
  readonly person: Person
  readonly isLiar: boolean
  readonly medium = newMedium()
  #store = new StoreMedium()
  readonly deafness = new Deafness()
  /** Keys and epochs of which it was told that they are proven to lie, in this life. */
  readonly proven = new Set<string>()
  /** Why it did not vote, in any life. */
  readonly reasons = new Set<string>()
  /** It may say anything again: its disk lost what it had confirmed. */
  #hasForgotten = false
  /** It was given a reason to give up; till it is started again. */
  mayHalt = false
  /** A second process with the same key, while there is one. */
  #twin: WholePeer | null = null
  readonly #scene: Scene
  readonly #random: SimRandom
  readonly #line: Line
  /** Of a member that is to have a twin: the other end of what leads to its peer id. */
  readonly #otherLine: Line | null
  /** It is such a second process. */
  readonly #isSecond: boolean
  /** In the log of the run. */
  readonly #name: number
  #life: Life | null = null
  #lives = 0
  #wallOffMs: number

  /** @param line - of a second process: its end of the line that both share */
  constructor(scene: Scene, index: number, random: SimRandom, line?: Line) {
    this.#scene = scene
    this.index = index
    this.person = scene.people[index] as Person
    this.isLiar = scene.options.liars.some(({ member }) => member === index)
    this.#random = random
    this.#wallOffMs = scene.options.clocks[index]?.offsetMs ?? 0
    const shared = line === undefined ? sharedLineOf(scene, index) : null
    this.#isSecond = line !== undefined
    if (this.#isSecond) this.#wallOffMs += SECOND_OFF_MS
    this.#name = this.#isSecond ? SECOND + index : index
    this.#line = line ?? shared?.end(0) ?? ownLine(scene.net, this.person.identity.peerId)
    this.#otherLine = shared?.end(1) ?? null
  }

  /** Members at first. */
  get founders(): number {
    return this.#scene.options.weights.length
  }

  get store(): StoreMedium {
    return this.#store
  }

  get twin(): WholePeer | null {
    return this.#twin
  }

  get isAlive(): boolean {
    return this.#life !== null
  }

  get life(): Life | null {
    return this.#life
  }

  start(): void {
    if (this.#life !== null) return
    const { clock: worldClock, manifest, options } = this.#scene
    const { identity } = this.person
    const clock = new NodeClock(worldClock, {
      offsetMs: this.#wallOffMs,
      driftPpm: options.clocks[this.index]?.driftPpm ?? 0
    })
    const store = this.#store.open()
    const journal = memoryJournal({ clock, medium: this.medium, syncMs: () => this.#syncMs() })
    const random = this.#random.stream(`life:${this.index}:${this.#lives++}`)
    const log = createLog({ level: 'silent' })
    const quorum = createQuorum({
      ...{ identity, store, journal, clock, log },
      net: this.#wire(this.#line.start(), clock),
      registry: createRegistry(),
      kernel: createSystem({ clock, random, log, self: identity.peerId }),
      keepConnected: () => () => {}
    })
    const forgets = options.forgetful.includes(this.index)
    const program = this.#makeProgram(forgets ? undefined : store.sub('program/'))
    const group = quorum.open(manifest, program)
    this.#life = { clock, journal, quorum, group, program }
    this.#listen(group)
    if (!this.#isSecond) this.#scene.slots.began(this, quorum)
    group.start().catch((error: unknown) => this.#scene.oracle.fail('exception', String(error)))
  }

  /**
   * Ends the process in the middle of whatever it does.
   *
   * @param kept - of its records under way so many have reached the disk
   */
  kill(kept: number): void {
    const life = this.#life
    if (life === null) return
    this.#life = null
    this.mayHalt = this.#hasForgotten
    this.proven.clear()
    if (!this.#isSecond) this.#scene.slots.died(this)
    life.journal.crash(kept)
    life.clock.stop()
    this.#store.kill()
    this.#line.stop()
  }

  /** From now on there are two with its key. @param copy - the other begins with all that is on this one's disk */
  double(copy: boolean): void {
    if (this.#otherLine === null || this.#twin !== null) return
    const twin = new WholePeer(this.#scene, this.index, this.#random.stream('twin'), this.#otherLine)
    if (copy) {
      const { records, since, cutAt } = this.medium
      Object.assign(twin.medium, { records: [...records], since, cutAt })
      twin.#store = this.#store.copy()
    }
    this.#twin = twin
    for (const one of [this, twin]) one.forget()
    twin.start()
  }

  /** The second process is found and ended. */
  single(): void {
    this.#twin?.kill(0)
  }

  /** Its event loop stands still: what arrives is read when it goes on, and then timers act. */
  stall(ms: number): void {
    const { net } = this.#scene
    if (this.#life === null) return
    net.stall(this.person.identity.peerId, ms)
    this.#life.clock.stall(ms)
  }

  /** From here on it may contradict what it said, and give up when it hears of that. */
  forget(): void {
    const { oracle } = this.#scene
    this.#hasForgotten = true
    this.mayHalt = true
    oracle.faulty(toHex(this.person.identity.publicKey))
  }

  jump(ms: number): void {
    this.#wallOffMs += ms
    this.#life?.clock.jumpWall(ms)
  }

  #syncMs(): number {
    const { low, high } = this.#scene.options.syncMs
    return low + this.#random.float() * (high - low)
  }

  /** The tap is at the wire: it hears what a liar says, not what it should have said. */
  #wire(net: Net, clock: NodeClock): Net {
    const { oracle, log, people, options } = this.#scene
    const { index, isLiar } = this
    const heard = tapped(this.deafness.around(net), {
      sent: (to, protocol, body) => {
        log.add(this.#name, 'sent', `${protocol} ${to}`, body)
        if (!isLiar && !this.#hasForgotten) oracle.sent(index, body, to === '')
      },
      heard: (from, protocol, body) => log.add(this.#name, 'heard', `${protocol} ${from}`, body)
    })
    const liar = options.liars.find(({ member }) => member === index)
    if (liar === undefined) return heard
    return lyingNet(heard, {
      identity: this.person.identity,
      roles: liar.roles,
      accomplices: options.liars.map(({ member }) => people[member]?.identity.peerId ?? ''),
      random: this.#random,
      clock,
      flood: options.flood ?? FLOOD,
      wrote: (line) => oracle.wrote(line),
      slotCommittee: committeeOf(slotManifestOf(this.#scene.manifest)),
      seats: () => ({
        committee: this.#committee(),
        members: this.#life?.group.status().members.map(({ peer }) => peer) ?? []
      })
    })
  }

  #committee(): Committee {
    return this.#life?.group.record?.committee ?? committeeOf(this.#scene.manifest)
  }

  #makeProgram(store: ConstructorParameters<typeof LogProgram>[0]['store']): LogProgram {
    const { oracle, log, options } = this.#scene
    const { index, isLiar } = this
    const roles = options.liars.find(({ member }) => member === index)?.roles ?? []
    return new LogProgram({
      store,
      lies: roles.includes('wrong-results'),
      carried: (block) => {
        log.add(this.#name, 'executed', `${block.height} ${block.digest} ${block.lines.length}`)
        if (!isLiar) oracle.carried(index, block)
      },
      told: (event) => {
        if (isLiar || event.type === 'failed') return
        if (event.statement !== null) oracle.told(index, event.height, 'statement', event.statement)
        if (event.stateRoot !== null) oracle.told(index, event.height, 'root', event.stateRoot)
      }
    })
  }

  #listen(group: Group): void {
    const { oracle, log } = this.#scene
    const { index, isLiar } = this
    let last: number | null = null
    group.onEvent((event) => {
      if (event.type === 'final') {
        log.add(this.#name, 'final', `${event.height} ${event.digest}`)
        if (!isLiar) oracle.final(index, event.height, event.digest, last)
        last = event.height
      } else if (event.type === 'warrant') {
        const name = `${toHex(event.key)}/${event.epoch}`
        log.add(this.#name, 'state', `warrant ${name}`)
        if (!isLiar) oracle.warranted(index, toHex(event.key), this.proven.has(name))
        this.proven.add(name)
      } else if (event.type === 'state' || event.type === 'execution') {
        log.add(this.#name, 'state', `${event.type} ${event.state} ${event.reason ?? ''}`)
        if (event.reason !== null) this.reasons.add(event.reason)
        if (!isLiar) this.#judge(event.type, event.state, event.reason)
      }
    })
  }

  /** An honest member gives up only when its disk does, and its program never. */
  #judge(type: 'state' | 'execution', state: string, reason: string | null): void {
    const { oracle } = this.#scene
    if (type === 'execution' && state === 'stopped') oracle.fail('halted', `process ${this.index}'s program: ${reason}`)
    if (type === 'state' && state === 'halted' && !this.mayHalt)
      oracle.fail('halted', `process ${this.index}: ${reason}`)
  }
}

/** Where it is planned that there will be two processes with this key. */
function sharedLineOf({ options, net, people }: Scene, index: number): SharedLine | null {
  const planned = options.events.find((event) => event.type === 'twin' && event.process === index)
  if (planned?.type !== 'twin') return null
  const names = planned.reach.map((process) => people[process]?.identity.peerId)
  return new SharedLine(net, people[index]?.identity.peerId ?? '', {
    leads: (peer) => names.includes(peer),
    both: planned.both
  })
}
