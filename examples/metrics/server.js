/** A counter of visits; what its session store does can be read by Prometheus at the path /metrics. */
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { instrument } from '@sessile/core/opentelemetry';
import { MemoryStore } from '@sessile/store-memory';
import express from 'express';
import session from 'express-session';

// The exporter can open a port of its own; here the app serves what it has.
const exporter = new PrometheusExporter({ preventServerStart: true });
const meterProvider = new MeterProvider({ readers: [exporter] });
instrument({ meterProvider });

const app = express();
app.get('/metrics', (request, response) => exporter.getMetricsRequestHandler(request, response));
app.use(
  session({
    store: new MemoryStore(),
    secret: process.env.SESSION_SECRET ?? 'only for trying it out',
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 86_400_000 },
  }),
);
app.get('/', (request, response) => {
  const visitor = /** @type {{ views?: number }} */ (request.session);
  visitor.views = (visitor.views ?? 0) + 1;
  response.send(`views: ${visitor.views}\n`);
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://localhost:${port}/ counts visits, http://localhost:${port}/metrics tells of the store.`);
});
