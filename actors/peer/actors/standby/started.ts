import type { Clock, PeerId } from '@brume/ports'
import type { Kernel } from '@brume/runtime/kernel'
import { lateError } from '@brume/runtime/standby'

/** A peer that comes back takes its place within some seconds, and waits 5 s for a kind. */
const WITHIN_MS = 30_000
const AGAIN_MS = 250

export interface StartedOptions<K> {
  readonly self: PeerId
  readonly clock: Clock
  /** Of an actor that is held here, once it runs. */
  readonly kernel: (address: string) => K | undefined
  /** As its placement group has it now; undefined: nobody. */
  readonly holderOf: (address: string) => Promise<PeerId | undefined>
}

/**
 * The kernel of an actor that is placed: where this peer is its holder it may still be starting, after the place or after
 * a restart of the peer.
 *
 * @returns undefined where another peer holds it. @throws StandbyError TIMEOUT, and what `holderOf` rejects with
 */
export async function startedKernel<K = Kernel>(
  address: string,
  { self, clock, kernel, holderOf }: StartedOptions<K>
): Promise<K | undefined> {
  for (const endMs = clock.now() + WITHIN_MS; ; ) {
    const started = kernel(address)
    if (started !== undefined) return started
    if ((await holderOf(address)) !== self) return kernel(address)
    if (clock.now() >= endMs) throw lateError(address, 'spawn', 'its kernel to start here', WITHIN_MS)
    await new Promise<void>((go) => clock.after(AGAIN_MS, go))
  }
}
