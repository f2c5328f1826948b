/** `npm run layers`: who may import whom. The rules and their reasons are in layers/rules.ts. */
import { resolve } from 'node:path'
import { checkLayers } from './layers/check.ts'
import { LAYER_RULES } from './layers/rules.ts'

const { filesInTree, modulesRead, dependencies, violations } = await checkLayers(resolve(import.meta.dirname, '..'))
for (const violation of violations) console.error(violation)
// A check that read nothing finds nothing: an empty or half-read tree is a failure, not a pass.
if (filesInTree === 0 || modulesRead < filesInTree || dependencies < filesInTree)
  console.error(`layers: read ${modulesRead} of ${filesInTree} files; the check is blind, mend .ci/layers/check.ts`)
console.log(
  `layers: ${LAYER_RULES.length} rules, ${modulesRead} of ${filesInTree} files, ${dependencies} imports, ${violations.length} violations`
)
process.exitCode =
  violations.length > 0 || filesInTree === 0 || modulesRead < filesInTree || dependencies < filesInTree ? 1 : 0
