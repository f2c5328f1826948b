import { parseInteger, type Tree } from './tree.ts'

/** What control groups leave this process of the machine; undefined means no limit. */
export interface GroupLimits {
  readonly cores: number | undefined
  readonly memoryBytes: number | undefined
}

/** cgroup v1 writes its "no limit" as the largest page-aligned 63-bit number. */
const NO_LIMIT_BYTES = 2 ** 60

/** Reads v2 and v1, own group and all above it: the tightest one counts (cgroups(7)). */
export async function readGroupLimits(tree: Tree): Promise<GroupLimits> {
  const groups = parseGroups((await tree.text('/proc/self/cgroup')) ?? '')
  const cores = await Promise.all([
    ...ancestors(groups.unified).map((path) => coresV2(tree, `/sys/fs/cgroup${path}`)),
    ...ancestors(groups.cpu).map((path) => coresV1(tree, `/sys/fs/cgroup/cpu${path}`))
  ])
  const memory = await Promise.all([
    ...ancestors(groups.unified).map((path) => memoryLimit(tree, `/sys/fs/cgroup${path}/memory.max`)),
    ...ancestors(groups.memory).map((path) => memoryLimit(tree, `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`))
  ])
  return { cores: least(cores), memoryBytes: least(memory) }
}

interface Groups {
  readonly unified: string
  readonly cpu: string
  readonly memory: string
}

/** Lines `id:controllers:path`; v2 is the one with id 0 and no controllers. */
function parseGroups(text: string): Groups {
  const paths = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [id, controllers, ...path] = line.split(':')
    for (const name of id === '0' ? ['unified'] : (controllers ?? '').split(',')) paths.set(name, path.join(':'))
  }
  return {
    unified: paths.get('unified') ?? '/',
    cpu: paths.get('cpu') ?? '/',
    memory: paths.get('memory') ?? '/'
  }
}

/** `/a/b` gives `/a/b`, `/a` and the root, which is the own group where it is namespaced. */
function ancestors(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return Array.from({ length: parts.length + 1 }, (_, cut) =>
    parts
      .slice(0, parts.length - cut)
      .map((part) => `/${part}`)
      .join('')
  )
}

/** `cpu.max` is `quota period` in microseconds, or `max period`. */
async function coresV2(tree: Tree, folder: string): Promise<number | undefined> {
  const [quota, period] = ((await tree.text(`${folder}/cpu.max`)) ?? '').split(' ')
  return share(parseInteger(quota), parseInteger(period))
}

async function coresV1(tree: Tree, folder: string): Promise<number | undefined> {
  return share(await tree.integer(`${folder}/cpu.cfs_quota_us`), await tree.integer(`${folder}/cpu.cfs_period_us`))
}

function share(quota: number | undefined, period: number | undefined): number | undefined {
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined
}

async function memoryLimit(tree: Tree, path: string): Promise<number | undefined> {
  const text = await tree.text(path)
  const bytes = text === undefined || !/^\d{1,20}$/.test(text) ? undefined : Number(text)
  return bytes !== undefined && bytes < NO_LIMIT_BYTES ? bytes : undefined
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const present = values.filter((value) => value !== undefined)
  return present.length === 0 ? undefined : Math.min(...present)
}
