import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { LAYER_RULES } from './rules.ts'

/** The folders that hold code. Fixed: a new one is a change of the architecture. */
const ROOMS = ['packages', 'protocols', 'actors', 'testnet', 'benchmarks'] as const
const NOT_CODE = new Set(['node_modules', 'results', 'dist'])

export interface LayerReport {
  readonly filesInTree: number
  readonly modulesRead: number
  readonly dependencies: number
  /** One line each: rule, from, to, reason. */
  readonly violations: readonly string[]
}

/** Every TypeScript file under `directory`, as paths from `root`. Missing folders are empty. */
function filesUnder(root: string, directory: string): string[] {
  let entries: ReturnType<typeof listed>
  try {
    entries = listed(join(root, directory))
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    if (NOT_CODE.has(entry.name)) return []
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) return filesUnder(root, path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

const listed = (directory: string) => readdirSync(directory, { withFileTypes: true })

function violationsOf(result: ICruiseResult): string[] {
  return result.summary.violations.map(({ rule, from, to, cycle }) => {
    const way = cycle === undefined ? to : cycle.map((step) => step.name).join(' -> ')
    const reason = LAYER_RULES.find(({ name }) => name === rule.name)?.comment ?? ''
    return `${rule.name}: ${from} -> ${way}\n    ${reason}`
  })
}

/**
 * Holds the tree at `root` against the layer rules, test files included.
 * Reading fewer modules than the tree has files is for the caller to refuse: see {@link LayerReport}.
 */
export async function checkLayers(root: string): Promise<LayerReport> {
  const files = ROOMS.flatMap((room) => filesUnder(root, room))
  const { output } = await cruise(
    files,
    {
      baseDir: root,
      ruleSet: { forbidden: [...LAYER_RULES] },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      // An import of a type alone ties two rooms as firmly as one of a value.
      tsPreCompilationDeps: true,
      enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] }
    },
    // Workspaces are links in node_modules: a rule is about the room, so follow them.
    { symlinks: true }
  )
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text where a result was asked for')
  const read = new Set(output.modules.map(({ source }) => source))
  return {
    filesInTree: files.length,
    modulesRead: files.filter((file) => read.has(file)).length,
    dependencies: output.summary.totalDependenciesCruised ?? 0,
    violations: violationsOf(output)
  }
}
