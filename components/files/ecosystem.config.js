// PM2: one worker for each processor, each on its own port, so that nginx can leave one out and the agent can ask each.
module.exports = {
  apps: [
    {
      name: 'fixrx-api',
      cwd: '@@directory',
      script: './dist/server.js',
      instances: 'max',
      exec_mode: 'cluster',
      increment_var: 'PORT',
      env: { PORT: @@first_port },
      error_file: '/var/log/fixrx/err.log',
      out_file: '/var/log/fixrx/out.log',
      merge_logs: true,
      // A date before each line would break the JSON that the application writes; the lines have their own time.
      time: false,
      // Resident memory. The heap ends below it: a process is restarted when it leaks, not when it is busy.
      max_memory_restart: '@@restart_memory',
      node_args: '--max-old-space-size=@@heap_mib',
      // From SIGINT until SIGKILL: running requests finish. PM2's own 1.6 s would cut them.
      kill_timeout: @@kill_milliseconds,
      // A reload ends an old worker when the new one listens, or after this time.
      listen_timeout: 30000,
      // A worker that crashes is started again and again, ever later, instead of given up after 16 times.
      exp_backoff_restart_delay: 100
    }
  ]
};
