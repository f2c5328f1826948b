import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SEVERAL = fileURLToPath(new URL('./several.ts', import.meta.url))

/** Runs examples as their reader would, in one process. @returns what they printed; rejects where they did not end well */
export async function run(...examples: readonly string[]): Promise<readonly string[]> {
  const args = [SEVERAL, ...examples]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: withoutTests(process.env) })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${examples.join(', ')} ended with ${code}\n${out}\n${err}`)
  return out.trimEnd().split('\n')
}

/** Without what the runner of the tests set for itself. */
function withoutTests(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BRUME_|NODE_|VITEST)/.test(name)))
}
