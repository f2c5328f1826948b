import { RuntimeError } from '../error.ts'
import type { Cell } from './cell.ts'
import type { Parts } from './parts.ts'

/** XState's `systemId`s: names that hold within one tree of actors. By path of the root. */
export class Aliases {
  readonly #parts: Parts
  readonly #trees = new Map<string, Map<string, Cell>>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws RuntimeError where a living actor of the tree has that name */
  enter(cell: Cell): void {
    const id = cell.origin?.systemId
    if (id == null) return
    const root = rootOf(cell)
    const tree = this.#trees.get(root) ?? new Map<string, Cell>()
    if (tree.get(id)?.isAlive) {
      throw new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${root} has an actor with the systemId ${id} already`)
    }
    this.#trees.set(root, tree.set(id, cell))
    this.#parts.persistence.of(cell)?.putAlias(root, id, cell.address)
  }

  leave(cell: Cell): void {
    const id = cell.origin?.systemId
    if (id == null) return
    const root = rootOf(cell)
    const tree = this.#trees.get(root)
    if (tree?.get(id) !== cell) return
    tree.delete(id)
    this.#parts.persistence.of(cell)?.putAlias(root, id, null)
    if (tree.size === 0) this.#trees.delete(root)
  }

  /** The actor that the tree of `cell` knows by this name. */
  find(cell: Cell, id: string): string | undefined {
    const root = rootOf(cell)
    return this.#trees.get(root)?.get(id)?.path ?? this.#parts.persistence.of(cell)?.alias(root, id)
  }
}

function rootOf(cell: Cell): string {
  let root = cell
  while (root.origin !== null) root = root.origin.parent
  return root.path
}
