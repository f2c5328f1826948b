/** Between two looks: who ends npm waits no longer than for anything else that ends. */
const LOOK_MS = 500
/** A script whose last command is this one, in the foreground: the shell that runs it waits for it and does nothing else. */
const IN_FOREGROUND = /(^|&&|;)\s*\S*\bbrume["']?(\s[^&;|]*)?$/

/**
 * npm and npx run a command by a shell and hand SIGTERM to that shell alone, which ends and tells nobody. Calls once when the
 * shell is gone that npm or npx has started for this command. Whoever is run by anything else, by a script that goes on
 * without it, or by systemd, keeps running when its parent ends, as a daemon does.
 */
export function whenCallerEnds(run: () => void, environment: NodeJS.ProcessEnv = process.env): void {
  if (!IN_FOREGROUND.test(environment.npm_lifecycle_script ?? '')) return
  const parent = process.ppid
  // Alone it keeps no process running.
  const timer = setInterval(() => process.ppid !== parent && done(), LOOK_MS).unref()
  const done = (): void => {
    clearInterval(timer)
    run()
  }
}
