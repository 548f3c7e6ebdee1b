// RUN: pqc opt %s | filecheck %s
// RUN: pqc opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: pqc opt %s -p canonicalize,cse,dce | filecheck %s

builtin.module {
// CHECK: pqa.program "pqa" accumulator_bits 16 batch 3 attributes {note} {
// CHECK-NEXT: ^bb0(%previous: !pqa.token, %other: !pqa.token):
pqa.program "pqa" accumulator_bits 16 batch 3 attributes {note} {
^bb0(%previous : !pqa.token, %other : !pqa.token):
  // Three frames of 4 elements of two bytes.
  // CHECK-NEXT: %x = pqa.tensor "x" kind 0 <?x4xsi9, 0.5> : !pqa.region<dram, 24>
  %x = pqa.tensor "x" kind 0 <?x4xsi9, 0.5> : !pqa.region<dram, 24>
  // CHECK-NEXT: %y = pqa.tensor "y" kind 1 <?x2x2x2xui8, 0.5> : !pqa.region<dram, 24>
  %y = pqa.tensor "y" kind 1 <?x2x2x2xui8, 0.5> : !pqa.region<dram, 24>
  %a = pqa.allocate : !pqa.region<activation, 24>
  // CHECK: %0 = pqa.load dram = %x, {{.*}} after (%previous, %other)
  %0 = pqa.load dram = %x, address = %a <item_bytes = 24, items = 1, rows = 1, planes = 1> after (%previous, %other)
  // CHECK-NEXT: %1 = pqa.rescale {{.*}} after (%0, %previous)
  %1 = pqa.rescale source = %a, destination = %a <column_stride = 1, planes = 1, rows = 1, columns = 24, multiplier = 1> after (%0, %previous)
  // CHECK-NEXT: %2 = pqa.store {{.*}} after (%1)
  %2 = pqa.store dram = %y, address = %a <item_bytes = 24, items = 1, rows = 1, planes = 1> after (%1)
  // CHECK-NEXT: pqa.repeat %2, %1 {note} : !pqa.token, !pqa.token
  // CHECK-NEXT: }
  // GENERIC: "pqa.repeat"(%2, %1) {note} : (!pqa.token, !pqa.token) -> ()
  pqa.repeat %2, %1 {note} : !pqa.token, !pqa.token
}
}
