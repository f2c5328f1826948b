/** What a block has room for. */
export interface Room {
  readonly commands: number
  /** With what each takes beside its own. */
  readonly bytes: number
}

/** Of the block a client may have this much while others that wait have less. */
const SHARE = 1 / 4

/** A client at the table. */
interface Guest<T> {
  readonly left: Iterator<T>
  next: T | undefined
  commands: number
  bytes: number
}

/**
 * Shares a block out: one command of each client by turns, in the order the clients come in. After its first, none
 * gets more than a quarter of the block until all others that wait have that much; then what is left is
 * shared in the same way. A client whose next command does not fit gets no more.
 *
 * @param clients - what each has waiting, in the order it must be taken in; read as far as there is room
 * @param bytesOf - what a command takes of the room
 */
export function shareOut<T>(clients: Iterable<Iterable<T>>, room: Room, bytesOf: (command: T) => number): readonly T[] {
  const table = new Table(room, bytesOf)
  const seated: Guest<T>[] = []
  for (const commands of clients) {
    if (table.isFull) break
    const left = commands[Symbol.iterator]()
    const guest = { left, next: left.next().value, commands: 0, bytes: 0 }
    if (table.serve(guest)) seated.push(guest)
  }
  const share = { commands: room.commands * SHARE, bytes: room.bytes * SHARE }
  table.rounds(table.rounds(seated, share), room)
  return table.taken
}

class Table<T> {
  readonly taken: T[] = []
  readonly #room: Room
  readonly #bytesOf: (command: T) => number
  #bytes = 0

  constructor(room: Room, bytesOf: (command: T) => number) {
    this.#room = room
    this.#bytesOf = bytesOf
  }

  get isFull(): boolean {
    return this.taken.length >= this.#room.commands
  }

  /** Gives a guest its next command; false if that does not fit, or there is none. */
  serve(guest: Guest<T>): boolean {
    const { next } = guest
    if (next === undefined || this.isFull) return false
    const bytes = this.#bytesOf(next)
    if (this.#bytes + bytes > this.#room.bytes) return false
    this.taken.push(next)
    this.#bytes += bytes
    guest.commands += 1
    guest.bytes += bytes
    guest.next = guest.left.next().value
    return true
  }

  /** Serves by turns until nobody may have more; returns those that only the share keeps from it. */
  rounds(guests: readonly Guest<T>[], share: Room): readonly Guest<T>[] {
    const sated: Guest<T>[] = []
    for (let hungry = guests; hungry.length > 0 && !this.isFull; ) {
      const again: Guest<T>[] = []
      for (const guest of hungry) {
        if (this.#exceeds(guest, share)) sated.push(guest)
        else if (this.serve(guest)) again.push(guest)
      }
      hungry = again
    }
    return sated
  }

  #exceeds({ next, commands, bytes }: Guest<T>, share: Room): boolean {
    if (next === undefined) return false
    return commands + 1 > share.commands || bytes + this.#bytesOf(next) > share.bytes
  }
}
