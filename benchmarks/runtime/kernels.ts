import { createLog } from '@brume/observe'
import type { Store } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { createKernel, type Durability, type Kernel, type KernelOptions } from '@brume/runtime/kernel'
import { xstate5 } from '@brume/runtime/xstate5'
import counter from './counter.machine.ts'

/** Who this is does not matter where nothing leaves the process. */
const SELF = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

/** A kernel that knows the counter, on the machine's own clock. */
export async function startKernel(more: Partial<KernelOptions> = {}): Promise<Kernel> {
  const kernel = createKernel({
    clock: systemClock(),
    random: systemRandom(),
    log: createLog({ level: 'error' }),
    self: SELF,
    ...more
  })
  kernel.register({ name: 'counter', version: 1, logic: xstate5(counter) })
  await kernel.start()
  return kernel
}

/** A store with one counter in it. */
export async function startCounter(durability: Durability, store?: Store): Promise<Kernel> {
  const kernel = await startKernel(store === undefined ? {} : { store })
  kernel.spawn('bench', 'counter', { durability })
  return kernel
}
