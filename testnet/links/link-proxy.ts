import { connect, createServer, type Server, type Socket } from 'node:net'
import { PLAIN, type Shape } from './profiles.ts'
import { Shaper } from './shaper.ts'

/** `<name> <port>\n`: who dials, and the port it would have dialled. */
const PRELUDE_BYTES_MAX = 64

interface Carried {
  readonly from: string
  readonly to: string
  readonly sockets: readonly [Socket, Socket]
  readonly shapers: readonly [Shaper, Shaper]
}

/**
 * The network between the peers of a run: every connection goes through here, and is delayed, thinned, cut or
 * stopped by who stands at its ends, each direction for itself.
 */
export class LinkProxy {
  readonly #server: Server = createServer((socket) => this.#greet(socket))
  readonly #carried = new Set<Carried>()
  readonly #ports: number[] = []
  #peers: ReadonlyMap<number, string> = new Map()
  #shapes: ReadonlyMap<string, Shape> = new Map()
  #refused = 0
  #isCut: (from: string, to: string) => boolean = () => false
  #isBlocked: (from: string, to: string) => boolean = () => false

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Ends all connections and takes no more. */
  close(): void {
    this.#server.close()
    for (const { sockets } of this.#carried) for (const socket of sockets) socket.destroy()
  }

  /** Local ports of the connections made so far, and how many dials were refused: nobody listens there. */
  account(): { readonly ports: readonly number[]; readonly refused: number } {
    return { ports: this.#ports, refused: this.#refused }
  }

  setPeers(ports: ReadonlyMap<number, string>): void {
    this.#peers = ports
  }

  setShapes(shapes: ReadonlyMap<string, Shape>): void {
    this.#shapes = shapes
  }

  /** Between any of these and any of those, both ways; null heals. */
  setFault([these, those]: readonly [readonly string[], readonly string[]], how: 'cut' | 'block' | null): void {
    const apart = (a: string, b: string): boolean =>
      (these.includes(a) && those.includes(b)) || (these.includes(b) && those.includes(a))
    this.#isCut = how === 'cut' ? apart : () => false
    this.#isBlocked = how === 'block' ? apart : () => false
    for (const carried of this.#carried) {
      if (this.#isCut(carried.from, carried.to)) for (const socket of carried.sockets) socket.resetAndDestroy()
      for (const shaper of carried.shapers) shaper.look()
    }
  }

  #greet(socket: Socket): void {
    socket.setNoDelay(true).on('error', () => socket.destroy())
    let heard = Buffer.alloc(0)
    const hear = (chunk: Buffer): void => {
      heard = Buffer.concat([heard, chunk])
      const end = heard.indexOf(10)
      if (end === -1 && heard.length < PRELUDE_BYTES_MAX) return
      socket.off('data', hear).pause()
      const [from = '', port = ''] = heard.toString('latin1', 0, Math.max(0, end)).split(' ')
      if (heard.length > end + 1) socket.unshift(heard.subarray(end + 1))
      this.#carry(socket, from, Number(port))
    }
    socket.on('data', hear)
  }

  #carry(near: Socket, from: string, port: number): void {
    const to = this.#peers.get(port)
    if (to === undefined || this.#isCut(from, to)) {
      this.#refused++
      near.resetAndDestroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    far.setNoDelay(true)
    far.once('connect', () => this.#ports.push(far.localPort ?? 0))
    const carried: Carried = {
      from,
      to,
      sockets: [near, far],
      shapers: [this.#shaper(near, far, from, to), this.#shaper(far, near, to, from)]
    }
    this.#carried.add(carried)
    const end = (): void => {
      for (const shaper of carried.shapers) shaper.stop()
      for (const socket of carried.sockets) socket.destroy()
      this.#carried.delete(carried)
    }
    for (const socket of carried.sockets) socket.on('error', end).on('close', end)
  }

  #shaper(source: Socket, sink: Socket, from: string, to: string): Shaper {
    return new Shaper(source, sink, {
      shape: () => this.#shapes.get(`${from} ${to}`) ?? PLAIN,
      isBlocked: () => this.#isBlocked(from, to),
      now: () => performance.now(),
      random: Math.random
    })
  }
}
