// What all peers have alike: the part of the schema that is measured, composed as their
// documentation does it, with undici and a DataLoader for customers and products.
'use strict'

const DataLoader = require('dataloader')
const { request } = require('undici')

const urls = JSON.parse(process.env.URLS)
const port = Number(process.env.PORT)

const typeDefs = /* GraphQL */ `
  enum OrderStatus { PLACED SHIPPED DELIVERED CANCELLED }
  type Product { id: ID!, name: String!, price: String!, currency: String!, stock: Int!, version: Int! }
  type Customer { id: ID!, name: String!, email: String!, version: Int! }
  type OrderItem { quantity: Int!, unitPrice: String!, lineTotal: String!, product: Product }
  type Order {
    id: ID!, status: OrderStatus!, note: String, currency: String!, total: String!,
    placedAt: String!, version: Int!, customer: Customer, items: [OrderItem!]!
  }
  type OrderEdge { node: Order }
  type OrderConnection { edges: [OrderEdge!] }
  type Query {
    order(id: ID!): Order
    orders(customerId: ID!, first: Int = 20): OrderConnection!
  }
`

async function get (service, path) {
  const { statusCode, body } = await request(urls[service] + path)
  if (statusCode === 200) return body.json()
  await body.dump()
  if (statusCode === 404) return null
  throw new Error(`${service} answered ${statusCode}`)
}

function loader (service) {
  return new DataLoader(async (ids) => {
    const { items } = await get(service, `/${service}?ids=${ids.join(',')}`)
    const found = new Map(items.map((item) => [item.id, item]))
    return ids.map((id) => found.get(id) ?? null)
  }, { maxBatchSize: 100 })
}

// One a request: a loader remembers what it has loaded.
function makeContext () {
  return { customers: loader('customers'), products: loader('products') }
}

const resolvers = {
  Query: {
    order: (_, { id }) => get('orders', `/orders/${encodeURIComponent(id)}`),
    orders: async (_, { customerId, first }) => {
      const { items } = await get(
        'orders', `/orders?customerId=${encodeURIComponent(customerId)}&limit=${first}`)
      return { edges: items.map((node) => ({ node })) }
    }
  },
  Order: { customer: (order, _, context) => context.customers.load(order.customerId) },
  OrderItem: {
    lineTotal: (item) => (item.unitPrice * item.quantity).toFixed(2),
    product: (item, _, context) => context.products.load(item.productId)
  }
}

module.exports = { typeDefs, resolvers, makeContext, port }
