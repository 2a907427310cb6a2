"""The event side: how other services' events become read models, and how far they have got."""
