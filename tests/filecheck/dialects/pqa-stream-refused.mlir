// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: batch = 0, allowed are 1 to 1024
pqa.program "pqa" accumulator_bits 16 batch 0 {
  %0 = pqa.allocate : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: batch = 1025, allowed are 1 to 1024
pqa.program "pqa" accumulator_bits 16 batch 1025 {
  %0 = pqa.allocate : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: batch = "2", it must be a number
"pqa.program"() <{target = "pqa", accumulator_bits = 16 : i64, batch = "2"}> ({
  %0 = pqa.tensor "x" kind 0 <?x4xsi8, 0.5> : !pqa.region<dram, 8>
}) : () -> ()

// -----
// CHECK: Operation does not verify: tensor 'x' is !pqa.region<dram, 4>, it takes !pqa.region<dram, 8>
pqa.program "pqa" accumulator_bits 16 batch 2 {
  %0 = pqa.tensor "x" kind 0 <?x4xsi8, 0.5> : !pqa.region<dram, 4>
}

// -----
// CHECK: Operation does not verify: a program takes 1 tokens of the execution before and hands on 0
pqa.program "pqa" accumulator_bits 16 {
^bb0(%previous : !pqa.token):
  %a = pqa.allocate : !pqa.region<activation, 4>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4> after (%previous)
}

// -----
// CHECK: Operation does not verify: a program takes 0 tokens of the execution before and hands on 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 4>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
  pqa.repeat %0 : !pqa.token
}

// -----
// CHECK: Operation does not verify: pqa.repeat hands on a token of the execution before
pqa.program "pqa" accumulator_bits 16 {
^bb0(%previous : !pqa.token):
  pqa.repeat %previous : !pqa.token
}

// -----
// CHECK: Operation does not verify: pqa.repeat hands on a token twice
pqa.program "pqa" accumulator_bits 16 {
^bb0(%first : !pqa.token, %second : !pqa.token):
  %a = pqa.allocate : !pqa.region<activation, 4>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
  pqa.repeat %0, %0 : !pqa.token, !pqa.token
}

// -----
// CHECK: Operation does not verify: pqa.repeat hands on no token, leave it out
pqa.program "pqa" accumulator_bits 16 {
  "pqa.repeat"() : () -> ()
}

// -----
// CHECK: Operation does not verify: 'pqa.repeat' must be the last operation in its parent block
pqa.program "pqa" accumulator_bits 16 {
^bb0(%previous : !pqa.token):
  %a = pqa.allocate : !pqa.region<activation, 4>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
  pqa.repeat %0 : !pqa.token
  %1 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
}

// CHECK-NOT: {{^}}builtin.module
