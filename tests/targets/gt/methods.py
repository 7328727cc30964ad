# SPDX-License-Identifier: MIT
"""Methods of every kind, nested classes, closures, lambdas, decorators."""
import functools


def logged(function):
    """A decorator whose wrapper is a call of its own."""
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


class Base:
    """What Shape inherits."""

    def __init__(self, name):
        self.name = name

    def describe(self):
        return self.kind() + ":" + self.name

    def kind(self):
        return "base"


class Shape(Base):
    """Instance, class and static methods, properties, private methods."""

    count = 0

    class Meta:
        """A nested class."""

        class Inner:
            """Two levels."""

            def deep(self, x):
                return x * 2

        def level(self):
            return 1

    def __init__(self, name, sides):
        super().__init__(name)
        self.sides = sides
        type(self).count += 1

    def kind(self):
        return "shape"

    @property
    def corners(self):
        return self.sides

    @corners.setter
    def corners(self, value):
        self.sides = value

    @corners.deleter
    def corners(self):
        self.sides = 0

    @functools.cached_property
    def area(self):
        """What wraps it is an object that no release knows."""
        return self.sides * 2

    @classmethod
    def square(cls):
        return cls("square", 4)

    @staticmethod
    def add(a, b):
        return a + b

    def __secret(self, x):
        return x + 1

    def reveal(self, x):
        return self.__secret(x)

    @logged
    def decorated(self, x):
        return x - 1

    def __len__(self):
        return self.sides

    def __getitem__(self, index):
        return index * self.sides

    def __eq__(self, other):
        return self.sides == other

    def __call__(self, x):
        return x

    def __enter__(self):
        return 7

    def __exit__(self, kind, value, traceback):
        return False

    def measure(self, by):
        """A closure captures the object itself."""
        def measured():
            return self.corners + by
        return measured


def counter(start):
    """A closure over a captured argument."""
    def step(by):
        nonlocal start
        start += by
        return start
    return step


def main():
    """Each kind once or twice."""
    shape = Shape.square()
    shape.describe()
    shape.corners = 5
    shape.corners += 1
    shape.area
    del shape.corners
    shape.corners = 6
    shape.add(1, 2)
    Shape.add(3, 4)
    shape.reveal(10)
    shape.decorated(3)
    len(shape)
    shape[3]
    shape == 6
    shape(9)
    with shape as seven:
        Shape.add(seven, 1)
    Shape.Meta().level()
    Shape.Meta.Inner().deep(21)
    shape.measure(2)()
    step = counter(10)
    step(1)
    step(by=2)
    (lambda x, y=2: x * y)(4)
    sorted([3, 1, 2], key=lambda x: -x)
    functools.reduce(lambda a, b: a + b, [1, 2, 3], 0)
    functools.partial(Shape.add, 5)(6)
