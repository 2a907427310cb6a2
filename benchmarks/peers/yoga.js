// GraphQL Yoga on Node's own server.
'use strict'

const { createServer } = require('node:http')
const { createSchema, createYoga } = require('graphql-yoga')
const { typeDefs, resolvers, makeContext, port } = require('./composition.js')

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: makeContext,
  graphiql: false,
  logging: false
})
createServer(yoga).listen(port, '127.0.0.1')
