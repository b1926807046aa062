// Command asm writes the assembly of package safeprime: go generate there runs it.
//
// Large numbers are multiplied by 4 limbs at a time. A row is one limb of the
// large number times the 4. It is added to a sum of 4 limbs, which stays in
// registers and moves along the large number. Each row has two short chains of
// carries of its own, so that a processor works on several rows at once. That
// takes less time than two long chains by ADCX and ADOX.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const limbs = 4

func main() {
	ConstraintExpr("!purego")
	square()
	reduce()
	Generate()
}

func square() {
	TEXT("square", NOSPLIT, "func(z, x, twice *uint64, blocks uint64)")
	Doc("square sets z to x², for x of 4·blocks limbs, the highest bit 0, and z of twice as",
		"many, the lower half 0. It takes 2·x, in one limb more than x, and changes it.",
		"",
		"Where X is the lowest block of x and Y what is above it, x² is X·(X + 2·Y) + Y²; and",
		"so on with Y².")
	Pragma("noescape")
	s := newSum()
	Label("block")
	Load(Param("z"), s.z)
	Load(Param("twice"), s.x)
	Load(Param("x"), s.y)
	Comment("X + 2·Y: not twice X, nor the bit of it that is in 2·Y.")
	for i := range limbs {
		MOVQ(at(s.y, i), s.limbs[i])
		MOVQ(s.limbs[i], at(s.x, i))
	}
	ANDQ(I32(-2), at(s.x, limbs))
	for _, r := range s.limbs {
		XORQ(r, r)
	}
	MOVQ(param("blocks"), RDX)
	MOVQ(RDX, s.rest)
	s.loop()
	for i, r := range s.limbs {
		MOVQ(r, at(s.z, i))
	}
	ADDQ(Imm(2*8*limbs), param("z"))
	ADDQ(Imm(8*limbs), param("x"))
	ADDQ(Imm(8*limbs), param("twice"))
	DECQ(param("blocks"))
	JNZ(LabelRef("block"))
	RET()
}

func reduce() {
	TEXT("reduce", NOSPLIT, "func(z, n *uint64, k0, blocks uint64) (carry uint64)")
	Doc("reduce is Montgomery's reduction: it adds n·m to z, for the m that makes the lower",
		"half of z 0, where it leaves m instead. n has 4·blocks limbs, 8 or more, and z twice",
		"as many. k0 is −n⁻¹ mod 2^64.")
	Pragma("noescape")
	s := newSum()
	steps := AllocLocal(8)
	MOVQ(param("blocks"), RDX)
	MOVQ(RDX, steps)
	carry := GP64()
	XORQ(carry, carry)
	Store(carry, Return("carry"))
	Label("step")
	Load(Param("z"), s.z)
	Load(Param("n"), s.x)
	for i, r := range s.limbs {
		MOVQ(at(s.z, i), r)
	}
	Comment("The 4 lowest limbs of n by the next 4 of m, as they appear.")
	MOVQ(s.x, s.y)
	for i := range limbs {
		Commentf("m[%d]", i)
		MOVQ(s.limbs[0], RDX)
		IMULQ(param("k0"), RDX)
		MOVQ(RDX, at(s.z, i))
		s.row(nil)
	}
	Comment("All other limbs of n by these 4.")
	MOVQ(s.z, s.y)
	s.next()
	MOVQ(param("blocks"), RDX)
	DECQ(RDX)
	MOVQ(RDX, s.rest)
	s.loop()
	carry = GP64()
	Load(Return("carry"), carry)
	NEGQ(carry) // carries unless it is 0
	for i, r := range s.limbs {
		ADCQ(r, at(s.z, i))
	}
	SBBQ(carry, carry)
	NEGQ(carry)
	Store(carry, Return("carry"))
	ADDQ(Imm(8*limbs), param("z"))
	DECQ(steps)
	JNZ(LabelRef("step"))
	RET()
}

// sum is what is carried on from limb to limb.
type sum struct {
	z, x, y Register // pointers; those to z and x move
	limbs   []Register
	rest    Mem // blocks of x to go; no register is left
}

func newSum() *sum {
	s := &sum{z: GP64(), x: GP64(), y: GP64(), rest: AllocLocal(8)}
	for range limbs {
		s.limbs = append(s.limbs, GP64())
	}
	return s
}

// loop is z += x·y, for the blocks of x to go.
func (s *sum) loop() {
	start := append([]Register(nil), s.limbs...)
	Label("loop")
	for i := range limbs {
		Commentf("x[%d]", i)
		MOVQ(at(s.x, i), RDX)
		s.row(at(s.z, i))
	}
	for i, r := range s.limbs {
		MOVQ(r, start[i])
	}
	s.limbs = start
	s.next()
	DECQ(s.rest)
	JNZ(LabelRef("loop"))
}

func (s *sum) next() {
	ADDQ(Imm(8*limbs), s.z)
	ADDQ(Imm(8*limbs), s.x)
}

// row adds RDX·y and the limb z to the sum, and moves on by a limb, which it
// leaves in z. Without z, the limb is 0 before and after. Nothing is lost:
// (2^64 − 1)·(2^256 − 1) + 2^64 − 1 + 2^256 − 1 is less than 2^320.
func (s *sum) row(z Op) {
	p := make([]Register, limbs+1) // of the row
	p[0], p[1] = GP64(), GP64()
	MULXQ(at(s.y, 0), p[0], p[1])
	add := ADDQ
	if z != nil {
		add(z, p[0])
		add = ADCQ
	}
	for i := 1; i < limbs; i++ {
		lo := GP64()
		p[i+1] = GP64()
		MULXQ(at(s.y, i), lo, p[i+1])
		add(lo, p[i])
		add = ADCQ
	}
	ADCQ(Imm(0), p[limbs])

	ADDQ(p[0], s.limbs[0])
	if z != nil {
		MOVQ(s.limbs[0], z)
	}
	for i := 1; i < limbs; i++ {
		ADCQ(p[i], s.limbs[i])
	}
	ADCQ(Imm(0), p[limbs])
	s.limbs = append(s.limbs[1:], p[limbs])
}

// at is limb i from r on.
func at(r Register, i int) Mem { return Mem{Base: r, Disp: 8 * i} }

// param is a parameter where it is passed, in memory.
func param(name string) Op {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}
