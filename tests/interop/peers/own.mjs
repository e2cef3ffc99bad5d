/** The product at both ends. */
import { subjectName } from '../support/subject.mjs';
import { faceModule } from '../support/ws-api.mjs';

await faceModule('own', subjectName);
