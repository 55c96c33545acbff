import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'

// Whether a file is a document of OpenAPI 3.1, as its own JSON schema and the rules beside it say.
const validator = new Validator()
const { valid, errors } = await validator.validate(JSON.parse(readFileSync(process.argv[2], 'utf8')))
if (!valid || validator.version !== '3.1') throw new Error(`${validator.version}: ${JSON.stringify(errors)}`)
