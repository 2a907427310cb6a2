// Mercurius on Fastify; from its second request on a query is compiled.
'use strict'

const fastify = require('fastify')
const mercurius = require('mercurius')
const { typeDefs, resolvers, makeContext, port } = require('./composition.js')

const app = fastify()
app.register(mercurius, { schema: typeDefs, resolvers, context: makeContext, jit: 1 })
app.listen({ host: '127.0.0.1', port })
