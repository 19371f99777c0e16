import type { Check } from '../types.js';
import { all } from './all.js';
import { callbacks } from './callbacks.js';
import { clear } from './clear.js';
import { concurrency } from './concurrency.js';
import { data } from './data.js';
import { destroy } from './destroy.js';
import { driver } from './driver.js';
import { driverBackend } from './driver-backend.js';
import { errors } from './errors.js';
import { events } from './events.js';
import { get } from './get.js';
import { housekeeping } from './housekeeping.js';
import { length } from './length.js';
import { lifecycle } from './lifecycle.js';
import { lifetime } from './lifetime.js';
import { middleware } from './middleware.js';
import { model } from './model.js';
import { order } from './order.js';
import { set } from './set.js';
import { sid } from './sid.js';
import { stock } from './stock.js';
import { touch } from './touch.js';
import { update } from './update.js';

/** Every check of the kit, in the order of the contract. */
export const checks: readonly Check[] = [
  ...get,
  ...set,
  ...touch,
  ...destroy,
  ...lifetime,
  ...concurrency,
  ...update,
  ...order,
  ...all,
  ...length,
  ...clear,
  ...sid,
  ...data,
  ...callbacks,
  ...errors,
  ...events,
  ...lifecycle,
  ...housekeeping,
  ...middleware,
  ...stock,
  ...model,
  ...driver,
  ...driverBackend,
];
