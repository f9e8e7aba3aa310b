// The guide's metrics as they stand in the guide, on Express, in an application that the platform can ask: /metrics of each worker on
// its own port. /answer answers with the status, after the time and with the open connections that a test asks for.
const express = require('express');
const prometheus = require('prom-client');

const app = express();

const httpRequestDuration = new prometheus.Histogram({
  name: 'http_request_duration_seconds',
  help: 'Duration of HTTP requests in seconds',
  labelNames: ['method', 'route', 'status_code']
});

const activeConnections = new prometheus.Gauge({
  name: 'active_connections',
  help: 'Number of active database connections'
});

// Middleware to collect metrics
app.use((req, res, next) => {
  const start = Date.now();
  
  res.on('finish', () => {
    const duration = (Date.now() - start) / 1000;
    httpRequestDuration
      .labels(req.method, req.route?.path || req.path, res.statusCode)
      .observe(duration);
  });
  
  next();
});

app.get('/metrics', async (req, res) => {
  res.set('Content-Type', prometheus.register.contentType).send(await prometheus.register.metrics());
});
app.get('/answer/:status', (req, res) => {
  activeConnections.set(Number(req.query.connections ?? 0));
  setTimeout(() => res.status(Number(req.params.status)).json({ port: process.env.PORT }), Number(req.query.ms ?? 0));
});
app.listen(Number(process.env.PORT), '127.0.0.1');
