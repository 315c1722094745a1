import { makeAll } from './media.ts';
export default makeAll;
