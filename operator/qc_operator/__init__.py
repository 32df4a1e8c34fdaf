"""The QueueConsumer operator: reads RabbitMQ queues, decides, and scales the Deployments that consume them."""
