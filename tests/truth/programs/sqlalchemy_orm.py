# SPDX-License-Identifier: MIT
"""An ORM on SQLite: descriptors, events, functions that C calls and whose errors it swallows."""
import sqlalchemy as sa
from sqlalchemy import event, exc, orm

Base = orm.declarative_base()


class User(Base):
    """One table."""

    __tablename__ = "user"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20), unique=True)
    orders = orm.relationship("Order", back_populates="user", cascade="all, delete-orphan")


class Order(Base):
    """Another."""

    __tablename__ = "order"
    id = sa.Column(sa.Integer, primary_key=True)
    price = sa.Column(sa.Numeric(8, 2))
    user_id = sa.Column(sa.ForeignKey("user.id"))
    user = orm.relationship("User", back_populates="orders")


def fails(function, *args):
    """Calls what is to fail."""
    try:
        function(*args)
    except exc.SQLAlchemyError:
        return
    raise AssertionError(function)


def bad(value):
    """SQLite makes another error of this one."""
    raise ValueError("the real reason: %s" % value)


def main():
    """Writes, reads, joins, rolls back."""
    engine = sa.create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def connect(connection, record):
        connection.create_function("bad", 1, bad)

    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        ann = User(name="ann", orders=[Order(price=1), Order(price=2)])
        session.add_all([ann, User(name="bob")])
        session.commit()
        found = session.execute(sa.select(User).options(orm.selectinload(User.orders))).scalars()
        assert [len(user.orders) for user in found] == [2, 0]
        session.execute(sa.select(sa.func.sum(Order.price)).join(User).group_by(User.name)).all()
        fails(session.execute, sa.text("select nothing"))
        fails(session.execute, sa.text("select bad('x')"))
        session.rollback()
        session.add(User(name="ann"))
        fails(session.commit)
        session.rollback()
        fails(session.query(User).filter_by(name="carl").one)
        session.delete(session.query(User).filter_by(name="ann").one())
        session.commit()
    engine.dispose()


main()
