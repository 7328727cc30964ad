# SPDX-License-Identifier: MIT
"""In the manner of Richards: an operating system whose tasks pass packets to each other.

Many small methods, called through attributes; what they do by themselves is little.
"""

PACKETS = 4
ROUNDS = 60  # times that a worker sends a packet around


class Packet:
    def __init__(self, owner, data):
        self.next, self.owner, self.data = None, owner, data

    def append_to(self, queue):
        self.next = None
        if queue is None:
            return self
        last = queue
        while last.next is not None:
            last = last.next
        last.next = self
        return queue


class Task:
    def __init__(self, scheduler, priority):
        self.scheduler, self.priority, self.queue, self.waiting = scheduler, priority, None, False
        scheduler.add(self)

    def is_ready(self):
        return self.queue is not None or not self.waiting

    def take(self):
        packet = self.queue
        if packet is not None:
            self.queue = packet.next
        return packet

    def put(self, packet):
        self.queue = packet.append_to(self.queue)
        self.waiting = False

    def wait(self):
        self.waiting = True

    def step(self):
        packet = self.take()
        if packet is None:
            return self.wait()
        return self.receive(packet)


class Device(Task):
    def __init__(self, scheduler, priority):
        super().__init__(scheduler, priority)
        self.served = 0

    def receive(self, packet):
        self.served += 1
        packet.data = [self.mix(value) for value in packet.data]
        self.scheduler.send(packet.owner, packet)

    def mix(self, value):
        return (value * 5 + 1) % 256


class Handler(Task):
    def __init__(self, scheduler, priority, devices):
        super().__init__(scheduler, priority)
        self.devices, self.turn = devices, 0

    def choose(self):
        self.turn = (self.turn + 1) % len(self.devices)
        return self.devices[self.turn]

    def receive(self, packet):
        self.scheduler.send(self.choose(), packet)


class Worker(Task):
    def __init__(self, scheduler, priority, handler):
        super().__init__(scheduler, priority)
        self.handler, self.left, self.sum = handler, ROUNDS, 0

    def start(self):
        for number in range(PACKETS):
            self.scheduler.send(self.handler, Packet(self, [number, number + 1]))

    def receive(self, packet):
        self.sum += self.checksum(packet)
        self.left -= 1
        if self.left > 0:
            self.scheduler.send(self.handler, packet)

    def checksum(self, packet):
        return sum(packet.data)


class Scheduler:
    def __init__(self):
        self.tasks, self.sent = [], 0

    def add(self, task):
        self.tasks.append(task)
        self.tasks.sort(key=lambda one: -one.priority)

    def send(self, task, packet):
        self.sent += 1
        task.put(packet)

    def next_ready(self):
        for task in self.tasks:
            if task.is_ready():
                return task
        return None

    def run(self):
        while True:
            task = self.next_ready()
            if task is None:
                return
            task.step()


def work():
    scheduler = Scheduler()
    devices = [Device(scheduler, 10 + n) for n in range(3)]
    handlers = [Handler(scheduler, 20 + n, devices) for n in range(2)]
    workers = [Worker(scheduler, 30 + n, handlers[n % 2]) for n in range(6)]
    for worker in workers:
        worker.start()
    scheduler.run()
    return scheduler.sent, sum(device.served for device in devices)
